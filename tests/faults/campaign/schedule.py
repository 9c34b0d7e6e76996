"""What a campaign does and when, drawn up-front from a seed: the same seed gives the same lists.

What the operating system makes of it (which instruction a kill meets, which task is live for a copy) is not the seed's
to say: a replay does the same things at the same times to the same processes, not to the same instruction.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from campaign.media import Source

RIGHT_AWAY = 0.3
"""The share of nats-server's kills after which it is back at once."""

LONGEST_OUTAGE = 3.0
"""Seconds that nats-server stays away at most."""

BROKEN_SHARE = 0.12
URL_SHARE = 0.3

HEAD_SECONDS = 2.0
"""Before the first fault, so that there is work to disturb."""

CANCELLING_SHARE = 0.5
"""The share of a campaign's time over which jobs are cancelled: what a worker stores just then is removed a minute
after the cancelling, which is better not waited for at the end."""

SUBMITTING_SHARE = 0.75
"""The share of a campaign's time over which jobs are submitted; the rest of the faults meets the tail of the work."""


class Kind(StrEnum):
    """What can go wrong."""

    KILL = "kill"
    NATS = "nats"
    DUPLICATE = "duplicate"
    STOP = "stop"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Size:
    """How large a campaign is.

    Attributes:
        jobs: submissions that are to be accepted.
        seconds: over which faults come.
        kills: of services, by SIGKILL.
        nats_kills: of nats-server, by SIGKILL.
        duplicates: copies of live tasks, so that two workers do the same.
        stops: of a service by SIGSTOP for longer than the ack wait.
        cancels: DELETE of a job that has not ended.
        deletes: DELETE of jobs that have ended, when the faults are over.
    """

    jobs: int
    seconds: float
    kills: int
    nats_kills: int
    duplicates: int
    stops: int
    cancels: int
    deletes: int


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        at: seconds after the campaign's start.
        kind: what.
        choice: in [0, 1), picks the victim among those there are.
        seconds: how long it lasts, where it lasts.
    """

    at: float
    kind: Kind
    choice: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Submission:
    """One video handed in.

    Attributes:
        at: seconds after the campaign's start.
        source: what.
        by_url: whether its address is handed in instead of the file.
    """

    at: float
    source: Source
    by_url: bool


@dataclass(frozen=True)
class Schedule:
    """All that a campaign does, in order of time."""

    submissions: tuple[Submission, ...]
    faults: tuple[Fault, ...]


def draw(seed: int, size: Size, *, ack_wait: float) -> Schedule:
    """Return the schedule of `seed`.

    Args:
        seed: any number.
        size: how much of everything.
        ack_wait: of the task consumers, seconds; a stop lasts longer.
    """
    chance = random.Random(seed)
    submissions = [_submission(chance, size, number) for number in range(size.jobs)]
    counts = {
        Kind.KILL: size.kills,
        Kind.NATS: size.nats_kills,
        Kind.DUPLICATE: size.duplicates,
        Kind.STOP: size.stops,
        Kind.CANCEL: size.cancels,
    }
    faults = [
        Fault(_time(chance, number, count, _until(kind, size)), kind, chance.random(), _length(chance, kind, ack_wait))
        for kind, count in counts.items()
        for number in range(count)
    ]
    return Schedule(
        submissions=tuple(sorted(submissions, key=lambda submission: submission.at)),
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
    )


def _submission(chance: random.Random, size: Size, number: int) -> Submission:
    good = chance.choice((Source.ONE_CLIP, Source.TWO_CLIPS, Source.THREE_CLIPS))
    broken, by_url = chance.random() < BROKEN_SHARE, chance.random() < URL_SHARE
    # The first of each kind is certain, so that even a small campaign has them all.
    if number < 3:
        broken, by_url = number == 2, number == 1
    at = 0.0 if number < 3 else chance.uniform(0, size.seconds * SUBMITTING_SHARE)
    return Submission(at, Source.NO_VIDEO if broken else good, by_url)


def _time(chance: random.Random, number: int, count: int, seconds: float) -> float:
    """One time in each of `count` equal parts: random, yet work gets on between two faults of a kind."""
    return HEAD_SECONDS + (number + chance.random()) * (seconds - HEAD_SECONDS) / count


def _until(kind: Kind, size: Size) -> float:
    return size.seconds * (CANCELLING_SHARE if kind is Kind.CANCEL else 1.0)


def _length(chance: random.Random, kind: Kind, ack_wait: float) -> float:
    if kind is Kind.NATS:
        return 0.0 if chance.random() < RIGHT_AWAY else chance.uniform(0.2, LONGEST_OUTAGE)
    return chance.uniform(1.2, 2.5) * ack_wait if kind is Kind.STOP else 0.0
