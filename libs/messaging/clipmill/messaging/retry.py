"""Whether a failed task is tried again, and when."""

import random
from dataclasses import dataclass

from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.messaging.attempts import Tally

BLAMELESS = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.OUT_OF_SPACE})
"""The surroundings failed, not the task: the store is away, the disk is full. A try that ends so is not counted."""


@dataclass(frozen=True)
class Retry:
    """Try again after `delay` seconds."""

    delay: float


@dataclass(frozen=True)
class GiveUp:
    """Do not try again."""


def blameless(failure: Failure) -> bool:
    """Whether the try that ended in `failure` is to be counted as waiting."""
    return isinstance(failure, Transient) and failure.code in BLAMELESS


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after what delays, a stage tries a task again.

    Attributes:
        attempts: Number of tries after which a task is given up.
        first_delay: Delay before the second try, in seconds: long enough for a restarted neighbour to be back.
        delay_limit: Longest delay between two tries, in seconds.
        waits: Number of tries that may end because the surroundings failed. With the default delays they take about
            an hour, in which an operator can act.
    """

    attempts: int = 3
    first_delay: float = 2.0
    delay_limit: float = 120.0
    waits: int = 45

    def exhausted(self, tally: Tally) -> bool:
        """Whether a task whose next try was just counted may not be tried: all tries before it died without a word."""
        return tally.begun > self.attempts

    def decide(self, failure: Failure, tally: Tally, chance: random.Random) -> Retry | GiveUp:
        """Return what to do about `failure`.

        The delay doubles with each try and is drawn evenly from the upper half of that span, so that tasks that failed
        together do not come back together; a delay that the other side asked for is respected.

        Args:
            failure: Reason why the try failed.
            tally: Tries of the task, with the one that failed: as begun, or, if it was blameless, as waited.
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
            delay = max(delay, min(failure.retry_after, self.delay_limit))
        return Retry(delay)
