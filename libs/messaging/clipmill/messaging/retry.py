"""Decisions about a failed task: another attempt after a delay, or none."""

import random
from dataclasses import dataclass

from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.messaging.attempts import Tally

BLAMELESS = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.OUT_OF_SPACE})
"""Failures of the surroundings, not of the task: the store is away, the disk is full. Such attempts are not counted."""


@dataclass(frozen=True)
class Retry:
    """The decision to try again after `delay` seconds."""

    delay: float


@dataclass(frozen=True)
class GiveUp:
    """The decision not to try again."""


def blameless(failure: Failure) -> bool:
    """Return whether the attempt that ended in `failure` counts as waiting."""
    return isinstance(failure, Transient) and failure.code in BLAMELESS


ASKED_LIMIT = 120.0
"""Longest delay for which the other side may ask, in seconds, whatever a stage's own delays are."""


@dataclass(frozen=True)
class RetryPolicy:
    """The number of attempts of a stage, and the delays between them.

    Attributes:
        attempts: Number of attempts after which a task is given up.
        first_delay: Upper limit of the delay before the second attempt, in seconds: long enough for a neighbour to
            restart.
        delay_limit: Highest upper limit of the delay between two attempts, in seconds.
        waits: Number of attempts that may end because the surroundings failed. With the default delays they take about
            an hour, so an operator has time to act; a shorter `delay_limit` leaves less time.
    """

    attempts: int = 3
    first_delay: float = 2.0
    delay_limit: float = 120.0
    waits: int = 45

    def exhausted(self, tally: Tally) -> bool:
        """Return whether a task has used up all attempts, each of which died; its next attempt is counted already."""
        return tally.begun > self.attempts

    def decide(self, failure: Failure, tally: Tally, chance: random.Random) -> Retry | GiveUp:
        """Return what to do about `failure`.

        The upper limit of the delay doubles with each attempt, up to `delay_limit`. The delay is drawn evenly between
        half of this limit and the limit, so tasks that failed together do not come back together. The delay is at
        least the one that the other side asked for, up to ASKED_LIMIT.

        Args:
            failure: Reason why the attempt failed.
            tally: Attempts of the task. The failed one counts as `waited` if it was blameless, else as `begun`.
            chance: Source of the jitter.
        """
        if isinstance(failure, Permanent):
            return GiveUp()
        turn, limit = (tally.waited, self.waits) if blameless(failure) else (tally.begun, self.attempts)
        if turn >= limit:
            return GiveUp()
        span = min(self.delay_limit, self.first_delay * 2.0 ** max(0, turn - 1))
        delay = chance.uniform(span / 2, span)
        if isinstance(failure, Transient) and failure.retry_after:
            delay = max(delay, min(failure.retry_after, ASKED_LIMIT))
        return Retry(delay)
