"""The schedule of a campaign, drawn up-front from a seed: the same seed gives the same lists.

A replay does the same things at the same times to the same processes. The operating system still decides which
instruction a kill meets and which task is live for a copy.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from campaign.media import Source

RIGHT_AWAY = 0.3
"""Share of nats-server's kills after which it is back at once."""

LONGEST_OUTAGE = 3.0
"""Longest time that nats-server stays away, in seconds."""

BROKEN_SHARE = 0.12
URL_SHARE = 0.3

HEAD_SECONDS = 2.0
"""Time before the first fault, so that there is work to disturb."""

CANCELLING_SHARE = 0.5
"""Share of a campaign's time in which jobs are cancelled. Artifacts that a worker stores at that moment are removed a
minute later, and the campaign should not have to wait for this at its end."""

SUBMITTING_SHARE = 0.75
"""Share of a campaign's time in which jobs are submitted; the later faults hit the last of the work."""


class Kind(StrEnum):
    """The kinds of faults."""

    KILL = "kill"
    NATS = "nats"
    DUPLICATE = "duplicate"
    STOP = "stop"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Size:
    """The size of a campaign.

    Attributes:
        jobs: Number of submissions that must be accepted.
        seconds: Time in which the faults happen.
        kills: Number of SIGKILLs of services.
        nats_kills: Number of SIGKILLs of nats-server.
        duplicates: Number of copies of live tasks, each of which two workers do.
        stops: Number of SIGSTOPs of services, longer than the ack wait.
        cancels: Number of DELETEs of jobs that have not ended.
        deletes: Number of DELETEs of ended jobs, after the faults.
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
    """A fault at a time.

    Attributes:
        at: Time after the campaign's start, in seconds.
        kind: Kind of the fault.
        choice: Number from 0 to below 1 that picks the victim.
        seconds: Duration of a fault that lasts.
    """

    at: float
    kind: Kind
    choice: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Submission:
    """A submission at a time.

    Attributes:
        at: Time after the campaign's start, in seconds.
        source: Source that is submitted.
        by_url: True to submit the source's address instead of the file.
    """

    at: float
    source: Source
    by_url: bool


@dataclass(frozen=True)
class Schedule:
    """Everything that a campaign does, in order of time."""

    submissions: tuple[Submission, ...]
    faults: tuple[Fault, ...]


def draw(seed: int, size: Size, *, ack_wait: float) -> Schedule:
    """Return the schedule of `seed`.

    Args:
        seed: Any number.
        size: Size of the campaign.
        ack_wait: Ack wait of the task consumers, in seconds; a stop lasts longer.
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
    """Return a random time in one of `count` equal parts, so that work gets on between two faults of a kind."""
    return HEAD_SECONDS + (number + chance.random()) * (seconds - HEAD_SECONDS) / count


def _until(kind: Kind, size: Size) -> float:
    return size.seconds * (CANCELLING_SHARE if kind is Kind.CANCEL else 1.0)


def _length(chance: random.Random, kind: Kind, ack_wait: float) -> float:
    if kind is Kind.NATS:
        return 0.0 if chance.random() < RIGHT_AWAY else chance.uniform(0.2, LONGEST_OUTAGE)
    return chance.uniform(1.2, 2.5) * ack_wait if kind is Kind.STOP else 0.0
