"""Whether a failed task is tried again, and when."""

import random
from dataclasses import dataclass

from clipmill.contracts.failures import Failure, Permanent, Transient

FIRST_DELAY = 2.0
"""Seconds before the second try: long enough for a restarted neighbour to be back."""

DELAY_LIMIT = 120.0
"""The longest wait between two tries, seconds."""


@dataclass(frozen=True)
class Retry:
    """Try again after `delay` seconds."""

    delay: float


@dataclass(frozen=True)
class GiveUp:
    """Do not try again."""


def decide(failure: Failure, attempt: int, limit: int, chance: random.Random) -> Retry | GiveUp:
    """Return what to do about `failure`.

    The delay doubles with each attempt and is drawn evenly from the upper half of that span, so that tasks that failed
    together do not come back together; a delay that the other side asked for is respected.

    Args:
        failure: why the attempt failed.
        attempt: the try that failed, from 1.
        limit: the most tries that the stage allows.
        chance: where the jitter comes from.
    """
    if isinstance(failure, Permanent) or attempt >= limit:
        return GiveUp()
    span = min(DELAY_LIMIT, FIRST_DELAY * 2.0 ** (attempt - 1))
    delay = chance.uniform(span / 2, span)
    if isinstance(failure, Transient) and failure.retry_after:
        delay = max(delay, min(failure.retry_after, DELAY_LIMIT))
    return Retry(delay)
