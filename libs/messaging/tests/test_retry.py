"""The decision about a failed task."""

import random

from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.messaging.attempts import Tally
from clipmill.messaging.retry import DELAY_LIMIT, FIRST_DELAY, WAITS_LIMIT, GiveUp, Retry, blameless, decide
from hypothesis import given
from hypothesis import strategies as st

tallies = st.builds(Tally, begun=st.integers(1, 20), waited=st.integers(0, WAITS_LIMIT + 5))


@given(tallies, st.integers(1, 20), st.none() | st.floats(0, 1e6), st.randoms())
def test_a_transient_failure_is_retried_below_the_limit_after_a_bounded_delay(tally, limit, asked, chance):
    decision = decide(Transient(ErrorCode.OUT_OF_MEMORY, "None left.", asked), tally, limit, chance)
    if tally.begun >= limit:
        assert decision == GiveUp()
        return
    assert isinstance(decision, Retry)
    assert FIRST_DELAY / 2 <= decision.delay <= DELAY_LIMIT
    assert decision.delay >= min(asked or 0, DELAY_LIMIT)


@given(tallies, st.integers(1, 20), st.randoms())
def test_a_task_waits_for_its_surroundings_however_few_tries_its_stage_allows(tally, limit, chance):
    away = Transient(ErrorCode.OUT_OF_SPACE, "The disk is full.")
    assert blameless(away)
    decision = decide(away, tally, limit, chance)
    assert decision == GiveUp() if tally.waited >= WAITS_LIMIT else isinstance(decision, Retry)


def test_the_waits_of_a_task_last_about_an_hour():
    chance = random.Random(0)
    away = Transient(ErrorCode.UNAVAILABLE, "Away.")
    decisions = [decide(away, Tally(waited=turn), 3, chance) for turn in range(1, WAITS_LIMIT)]
    assert 2700 < sum(decision.delay for decision in decisions) < 7200


@given(tallies, st.integers(1, 20))
def test_a_permanent_failure_is_never_retried(tally, limit):
    assert decide(Permanent(ErrorCode.NO_VIDEO, "None."), tally, limit, random.Random(0)) == GiveUp()
