"""Whether a failed task is tried again, and when."""

import random
from dataclasses import dataclass

from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.messaging.attempts import Tally

FIRST_DELAY = 2.0
"""Seconds before the second try: long enough for a restarted neighbour to be back."""

DELAY_LIMIT = 120.0
"""The longest wait between two tries, seconds."""

BLAMELESS = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.OUT_OF_SPACE})
"""The surroundings failed, not the task: the store is away, the disk is full. A try that ends so is not counted."""

WAITS_LIMIT = 45
"""So often a task waits for its surroundings: with the delays below about an hour, in which an operator can act."""


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


def exhausted(tally: Tally, limit: int) -> bool:
    """Whether a task whose next try was just counted may not be tried: all before it died without a word."""
    return tally.begun > limit


def decide(failure: Failure, tally: Tally, limit: int, chance: random.Random) -> Retry | GiveUp:
    """Return what to do about `failure`.

    The delay doubles with each try and is drawn evenly from the upper half of that span, so that tasks that failed
    together do not come back together; a delay that the other side asked for is respected.

    Args:
        failure: why the try failed.
        tally: the task's tries, the one that failed included: as begun, or, if it was blameless, as waited.
        limit: the most tries that the stage allows.
        chance: where the jitter comes from.
    """
    if isinstance(failure, Permanent):
        return GiveUp()
    turn, most = (tally.waited, WAITS_LIMIT) if blameless(failure) else (tally.begun, limit)
    if turn >= most:
        return GiveUp()
    span = min(DELAY_LIMIT, FIRST_DELAY * 2.0 ** max(0, turn - 1))
    delay = chance.uniform(span / 2, span)
    if isinstance(failure, Transient) and failure.retry_after:
        delay = max(delay, min(failure.retry_after, DELAY_LIMIT))
    return Retry(delay)
