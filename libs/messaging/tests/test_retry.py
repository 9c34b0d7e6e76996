"""The decision about a failed task."""

import random

from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.messaging.retry import DELAY_LIMIT, FIRST_DELAY, GiveUp, Retry, decide
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(1, 20), st.integers(1, 20), st.none() | st.floats(0, 1e6), st.randoms())
def test_a_transient_failure_is_retried_below_the_limit_after_a_bounded_delay(attempt, limit, asked, chance):
    decision = decide(Transient(ErrorCode.UNAVAILABLE, "Away.", asked), attempt, limit, chance)
    if attempt >= limit:
        assert decision == GiveUp()
        return
    assert isinstance(decision, Retry)
    assert FIRST_DELAY / 2 <= decision.delay <= DELAY_LIMIT
    assert decision.delay >= min(asked or 0, DELAY_LIMIT)


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_permanent_failure_is_never_retried(attempt, limit):
    assert decide(Permanent(ErrorCode.NO_VIDEO, "None."), attempt, limit, random.Random(0)) == GiveUp()
