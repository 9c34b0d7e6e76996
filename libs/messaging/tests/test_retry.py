"""The decision about a failed task."""

import random
from dataclasses import replace

from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.messaging.attempts import Tally
from clipmill.messaging.retry import ASKED_LIMIT, GiveUp, Retry, RetryPolicy, blameless
from hypothesis import given
from hypothesis import strategies as st

policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 20),
    first_delay=st.floats(0.01, 10),
    delay_limit=st.floats(10, 600),
    waits=st.integers(1, 60),
)
tallies = st.builds(Tally, begun=st.integers(1, 20), waited=st.integers(0, 65))


@given(tallies, policies, st.none() | st.floats(0, 1e6), st.randoms())
def test_a_transient_failure_is_retried_below_the_limit_after_a_bounded_delay(tally, policy, asked, chance):
    decision = policy.decide(Transient(ErrorCode.OUT_OF_MEMORY, "None left.", asked), tally, chance)
    if tally.begun >= policy.attempts:
        assert decision == GiveUp()
        return
    assert isinstance(decision, Retry)
    wanted = min(asked or 0, ASKED_LIMIT)
    assert policy.first_delay / 2 <= decision.delay <= max(policy.delay_limit, wanted)
    assert decision.delay >= wanted


@given(tallies, policies, st.randoms())
def test_a_task_waits_for_its_surroundings_however_few_tries_its_stage_allows(tally, policy, chance):
    away = Transient(ErrorCode.OUT_OF_SPACE, "The disk is full.")
    assert blameless(away)
    decision = policy.decide(away, tally, chance)
    assert decision == GiveUp() if tally.waited >= policy.waits else isinstance(decision, Retry)


def test_the_waits_of_a_task_last_about_an_hour():
    chance, policy = random.Random(0), RetryPolicy()
    away = Transient(ErrorCode.UNAVAILABLE, "Away.")
    decisions = [policy.decide(away, Tally(waited=turn), chance) for turn in range(1, policy.waits)]
    assert 2700 < sum(decision.delay for decision in decisions) < 7200


@given(tallies, policies)
def test_a_permanent_failure_is_never_retried(tally, policy):
    assert policy.decide(Permanent(ErrorCode.NO_VIDEO, "None."), tally, random.Random(0)) == GiveUp()


@given(policies, st.integers(1, 20), st.randoms())
def test_the_delay_doubles_with_each_try_and_is_drawn_from_the_upper_half(policy, turn, chance):
    failure = Transient(ErrorCode.OUT_OF_MEMORY, "None left.")
    patient = replace(policy, attempts=turn + 1)
    span = min(policy.delay_limit, policy.first_delay * 2 ** (turn - 1))
    assert span / 2 <= patient.decide(failure, Tally(begun=turn), chance).delay <= span


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_task_is_given_up_untried_when_more_tries_were_begun_than_are_allowed(attempts, begun):
    assert RetryPolicy(attempts=attempts).exhausted(Tally(begun=begun, waited=50)) is (begun > attempts)


def test_only_the_surroundings_are_waited_for():
    waited_for = {code for code in ErrorCode if blameless(Transient(code, "Away."))}
    assert waited_for == {ErrorCode.UNAVAILABLE, ErrorCode.OUT_OF_SPACE}
    assert not any(blameless(Permanent(code, "Broken.")) for code in ErrorCode)
