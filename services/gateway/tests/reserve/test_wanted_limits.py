"""Limits of what a job remembers of its reserve, and what becomes of open clips when work starts again or fails."""

import copy

import msgspec
from clipmill.contracts import log_lines
from clipmill.contracts.api import MoreClips
from clipmill.contracts.events import (
    ClipFailed,
    ClipsPlanned,
    Failed,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.options import JOB_CLIPS_LIMIT
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.gateway.projection.fold import FAILED_WITH_JOB, fold
from clipmill.gateway.projection.wanted import FAILURES_LIMIT, REQUESTS_LIMIT
from reserve_events import JOB, completed, failed, folded, rendered, reopened, wanted

# Limits


def asked_and_cancelled(document, generation, *numbers):
    """Fold a request and the cancellation of its clips; return whether the request was accepted."""
    key = f"{generation:0>255}"
    accepted = fold(document, document.sequence + 1, wanted(generation, *numbers, request=key, wish=MoreClips(more=3)))
    for number in numbers:
        fold(document, document.sequence + 1, failed(number, generation))
    return accepted


def test_a_document_stays_small_however_often_its_reserve_is_wanted_and_cancelled():
    document = folded(ClipsPlanned(job=JOB, count=2, reserve=43), rendered(1), rendered(2))
    reserve = tuple(range(3, JOB_CLIPS_LIMIT + 1))
    accepted = [asked_and_cancelled(document, generation, *reserve) for generation in range(1, 40)]
    assert accepted == [True] * FAILURES_LIMIT + [False] * (39 - FAILURES_LIMIT)
    for generation in range(40, 400):  # requests that open nothing
        key = f"{generation:0>255}"
        fold(document, document.sequence + 1, wanted(generation, 1, 2, request=key, wish=MoreClips(numbers=reserve)))
    assert len(msgspec.json.encode(document)) < 100_000


def test_a_clip_that_failed_too_often_is_not_opened_by_a_request_and_is_by_an_operator():
    document = completed()
    for generation in range(1, FAILURES_LIMIT + 1):
        assert asked_and_cancelled(document, generation, 3)
    assert not fold(document, 50, wanted(9, 3, request="a"))
    assert fold(document, 51, wanted(9, 3, 4))
    assert document.wanted == {4: 9}
    assert fold(document, 52, reopened(10, clip=3))
    assert document.wanted == {3: 10, 4: 9}


def test_the_failures_of_a_reserve_do_not_count_for_the_next_plan():
    document = completed()
    for generation in range(1, FAILURES_LIMIT + 1):
        asked_and_cancelled(document, generation, 3)
    again = (reopened(8, fresh=Stage.ANALYZE), ClipsPlanned(job=JOB, count=1, reserve=2), rendered(1, 8))
    for sequence, event in enumerate(again, 50):
        fold(document, sequence, event)
    assert fold(document, 60, wanted(9, 3))


def test_only_the_newest_requests_are_remembered_with_their_contents():
    document = completed()
    for number in range(1, REQUESTS_LIMIT + 3):
        fold(document, 50 + number, wanted(number, 1, request=f"r{number}", wish=MoreClips(more=number)))
    assert list(document.requests) == list(document.wishes) == [f"r{number}" for number in range(3, REQUESTS_LIMIT + 3)]
    assert document.wishes["r3"] == MoreClips(more=3)
    kept = [key for key in document.keys if key.startswith("clips_wanted.")]
    assert kept == [f"clips_wanted.{number}" for number in range(3, REQUESTS_LIMIT + 3)]
    before = copy.deepcopy(document)
    assert not fold(document, 999, wanted(1, 1, request="r1"))
    assert document == before


def test_a_request_for_clips_that_others_wanted_is_remembered_and_moves_nothing_else():
    before = completed(wanted(1, 3, at=5.0))
    document = completed(wanted(1, 3, at=5.0), wanted(2, 1, 3, request="a", at=9.0))
    assert (document.requests, document.wanted, document.extended) == ({"a": (1, 3)}, {3: 1}, 5.0)
    assert document.logs == before.logs
    assert completed(wanted(1, 3), wanted(2, 3, 46, request="a")) == completed(wanted(1, 3)), "there is no 46"


# Work that starts again


def test_a_retry_opens_only_the_clips_whose_tasks_it_publishes():
    cancelled = ClipFailed(job=JOB, clip=5, generation=1, code=ErrorCode.CANCELLED, sentence="Cancelled.")
    document = completed(wanted(1, 3, 4, 5), failed(3, 1), failed(4, 1), cancelled, reopened(2, clips=(3, 4)))
    assert (document.state, document.wanted, list(document.clips_failed)) == (JobState.COMPLETED, {3: 2, 4: 2}, [5])
    planned = (ClipsPlanned(job=JOB, count=2, reserve=3), failed(1), rendered(2), wanted(1, 4, 5), cancelled)
    document = folded(*planned, failed(4, 1), reopened(2, clips=(4,)))
    assert (document.state, document.wanted, list(document.clips_failed)) == (JobState.PROCESSING, {4: 2}, [5])


def test_a_revival_of_the_job_opens_no_clip_but_those_that_are_open_and_published_again():
    cancelled = ClipFailed(job=JOB, clip=5, generation=1, code=ErrorCode.CANCELLED, sentence="Cancelled.")
    planned = (ClipsPlanned(job=JOB, count=2, reserve=3), failed(1), rendered(2), wanted(1, 4, 5), cancelled)
    for clips, opened in ((None, {4: 1}), ((), {4: 1}), ((4, 5), {4: 3})):
        document = folded(*planned, reopened(2, clip=1), reopened(3, clips=clips, revived=True))
        assert (document.state, document.wanted) == (JobState.PROCESSING, opened)
        assert list(document.clips_failed) == [5]


def test_open_clips_fail_with_their_job_and_can_be_wanted_once_it_has_completed_after_all():
    stop = Failed(job=JOB, generation=2, stage=None, code=ErrorCode.LOST_TASK, sentence="It was lost.")
    planned = (ClipsPlanned(job=JOB, count=2, reserve=3), failed(1), rendered(2), wanted(1, 4, request="a"))
    document = folded(*planned, reopened(2, clip=1), stop)
    assert document.clips_failed[4].code is ErrorCode.LOST_TASK
    assert document.logs[-3:] == [
        f"Clip 4 of 5 failed: {FAILED_WITH_JOB}",
        log_lines.FAILED,
        log_lines.execution_error("It was lost."),
    ]
    late, again = rendered(4, 1), rendered(4, 4)
    for sequence, event in enumerate((reopened(3, clips=()), late, rendered(1, 3), wanted(4, 4), again), 50):
        fold(document, sequence, event)
    assert (document.state, document.clips_ready, document.clips_failed) == (JobState.COMPLETED, [2, 1, 4], {})
