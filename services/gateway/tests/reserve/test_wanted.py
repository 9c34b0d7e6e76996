"""Clips of the reserve in the fold: a job that has completed stays so, whatever becomes of them."""

import copy

import msgspec
import pytest
from clipmill.contracts import log_lines
from clipmill.contracts.api import CaptionsView
from clipmill.contracts.documents import CaptionDecision, Cost
from clipmill.contracts.events import (
    Cancelled,
    ClipFailed,
    ClipRendered,
    ClipsPlanned,
    ClipsWanted,
    CostKnown,
    Failed,
    Log,
    Reopened,
    StageFinished,
    StageProgress,
    Started,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.options import JOB_CLIPS_LIMIT, CaptionStyle
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.gateway.projection.document import job_summary, job_view, public_status
from clipmill.gateway.projection.fold import fold
from hypothesis import given
from hypothesis import strategies as st
from reserve_events import JOB, completed, failed, folded, progress, rendered, reopened, wanted

# The end of a job with a reserve


def test_the_captions_of_the_plan_are_in_the_view_until_the_plan_is_made_afresh():
    guessed = CaptionDecision(style=CaptionStyle.OFF, reason="Most words are guesses.")
    document = folded(ClipsPlanned(job=JOB, count=2, captions=guessed))
    assert job_view(document).captions == CaptionsView(style="off", reason="Most words are guesses.")
    assert fold(document, 100, Reopened(job=JOB, generation=1, fresh=Stage.ANALYZE))
    assert job_view(document).captions is None


def test_the_log_names_the_moments_that_are_left_before_it_ends():
    document = completed()
    assert document.logs[-2:] == ["2 of 5 good moments rendered; 3 in reserve.", log_lines.FINISHED]
    assert log_lines.moments_rendered(9, 14, 5) == "9 of 14 good moments rendered; 5 in reserve."
    one = log_lines.moments_rendered(0, 0, 1, others=1)
    assert one == "No moment is good; 1 is rendered, and 1 is in reserve."


@pytest.mark.parametrize(
    ("good", "line"),
    [
        (None, "2 of 5 good moments rendered; 3 in reserve."),
        (5, "2 of 5 good moments rendered; 3 in reserve."),
        (4, "2 of 4 good moments rendered; 3 in reserve, 2 of them good."),
        (2, "2 of 2 good moments rendered; 3 in reserve, none of them good."),
        (1, "1 of 1 good moments and 1 other rendered; 3 in reserve, none of them good."),
        (0, "No moment is good; 2 are rendered, and 3 are in reserve."),
    ],
)
def test_the_log_counts_only_moments_above_the_bar_as_good(good, line):
    planned = ClipsPlanned(job=JOB, count=2, reserve=3, good=good)
    assert folded(planned, rendered(1), rendered(2)).logs[-2] == line


def test_the_log_of_a_job_without_a_reserve_is_that_of_the_contract():
    assert folded(ClipsPlanned(job=JOB, count=1, good=1), rendered(1)).logs[-2].startswith("Clip 1 of 1 ready: ")
    assert "good" not in folded(ClipsPlanned(job=JOB, count=0, good=0)).logs[-2]


def test_a_good_moment_whose_clip_failed_is_neither_rendered_nor_in_reserve():
    document = folded(ClipsPlanned(job=JOB, count=2, reserve=3, good=3), failed(1), rendered(2))
    assert document.logs[-2] == "1 of 3 good moments rendered; 3 in reserve, 1 of them good."


def test_a_job_without_a_reserve_says_nothing_of_it():
    document = folded(ClipsPlanned(job=JOB, count=1), rendered(1))
    assert document.logs[1:] == ["Clip 1 of 1 ready: Title 1", log_lines.FINISHED]


def test_a_plan_without_a_clip_completes_the_job_with_an_empty_result_and_its_cost():
    document = folded(
        Started(job=JOB),
        CostKnown(job=JOB, cost=Cost(total_usd=0.5, provider_calls=2)),
        ClipsPlanned(job=JOB, count=0, reserve=4, at=7.0),
    )
    assert (document.state, document.finished) == (JobState.COMPLETED, 7.0)
    assert document.logs[-2:] == ["0 of 4 good moments rendered; 4 in reserve.", log_lines.FINISHED]
    result = msgspec.to_builtins(public_status(document).result)
    assert result == {
        "clips": (),
        "cost_analysis": {"total_cost": 0.5, "gemini_api_calls": 2, "whisper_duration_seconds": 0.0},
    }
    assert job_view(document).stages[Stage.RENDER].state == "finished"


def test_a_job_whose_plan_is_empty_can_have_clips_of_its_reserve():
    empty = (ClipsPlanned(job=JOB, count=0, reserve=4), wanted(1, 1))
    document = folded(*empty, progress(1, 50), rendered(1, 1))
    assert (document.state, document.clips_ready, document.wanted) == (JobState.COMPLETED, [1], {})
    assert document.logs[-1] == "Clip 1 of 4 ready: Title 1"


def test_a_job_in_which_every_planned_clip_failed_has_failed_with_a_reserve_too():
    document = folded(ClipsPlanned(job=JOB, count=2, reserve=3), failed(1), failed(2))
    assert (document.state, document.error.code) == (JobState.FAILED, ErrorCode.NO_CLIP_RENDERED)
    assert public_status(document).result is None


# Clips that somebody wants


def test_a_wanted_clip_is_added_while_the_job_stays_completed():
    before = completed()
    document = completed(wanted(1, 4, at=10.0), progress(4, 30), rendered(4, 1, at=20.0))
    assert (document.state, document.generation, document.wanted) == (JobState.COMPLETED, 1, {})
    assert document.logs == [*before.logs, "Clip 4 of 5 ready: Title 4"]
    assert document.clips[:2] == before.clips
    assert document.clips_ready == [1, 2, 4]
    assert (document.finished, document.extended, document.kept_from) == (2.0, 20.0, 20.0)


def test_a_wanted_clip_that_fails_is_logged_and_fails_nothing_else():
    document = completed(wanted(1, 4), failed(4, 1, at=9.0))
    assert (document.state, list(document.clips_failed), document.wanted) == (JobState.COMPLETED, [4], {})
    assert document.logs[-1] == "Clip 4 of 5 failed: No memory was left."
    assert document.kept_from == 9.0


def test_the_views_count_the_wanted_clips_with_those_of_the_plan():
    for view in (job_view, job_summary):
        assert view(completed()).clips_planned == 2
        shown = view(completed(wanted(1, 4, 5), rendered(4, 1)))
        assert (shown.clips_planned, shown.clips_ready, shown.percent) == (4, 3, 100)


def test_the_lines_of_a_wanted_clip_reach_the_log_and_those_of_others_do_not():
    def line(generation):
        return Log(
            job=JOB, name=f"silent_{generation}", line=f"Line of generation {generation}.", generation=generation
        )

    document = completed(line(0), wanted(2, 4), line(1), line(2))
    assert document.logs[-2:] == [log_lines.FINISHED, "Line of generation 2."]
    assert completed(wanted(2, 4), rendered(4, 2), line(2)).logs[-1] == "Clip 4 of 5 ready: Title 4"


def test_a_completed_job_hears_of_no_clip_that_nobody_wants():
    document = completed(rendered(4), failed(5), progress(4, 50), StageFinished(job=JOB, stage=Stage.RENDER, clip=4))
    assert document == completed()


def test_a_finished_stage_of_a_wanted_clip_is_heard_and_a_job_s_own_progress_is_not():
    finished = StageFinished(job=JOB, stage=Stage.RENDER, clip=4, generation=1)
    assert finished.key in completed(wanted(1, 4), finished).keys
    unheard = StageProgress(job=JOB, stage=Stage.RENDER, attempt=1, percent=3, generation=1)
    assert completed(wanted(1, 4), unheard) == completed(wanted(1, 4))


def test_progress_of_a_wanted_clip_leaves_that_of_the_stage():
    document = completed(wanted(1, 4), progress(4, 20))
    assert document.clip_percent[4] == 20
    assert (document.stages[Stage.RENDER].percent, document.stages[Stage.RENDER].state) == (100, "finished")


def test_clips_are_wanted_of_a_completed_job_only():
    running = (Started(job=JOB), ClipsPlanned(job=JOB, count=2, reserve=3), rendered(1))
    ends = [(), (failed(1), failed(2)), (Cancelled(job=JOB),)]
    for end in ends:
        events = (*running[:2], *end) if end else running
        assert folded(*events, wanted(1, 4)) == folded(*events)


def test_the_first_of_two_requests_in_one_generation_counts():
    document = completed(wanted(1, 3, request="a"), wanted(1, 4, request="b"), wanted(2, 4, request="c"))
    assert (document.wanted, document.requests) == ({3: 1, 4: 2}, {"a": (3,), "c": (4,)})
    assert document.ended_generation == 0


def test_a_request_in_a_generation_that_a_retry_took_is_ignored():
    taken = (wanted(1, 3), failed(3, 1), reopened(2, clip=3))
    assert completed(*taken, wanted(2, 4)) == completed(*taken)
    assert completed(*taken, wanted(3, 4)).wanted == {3: 2, 4: 3}


def test_a_clip_that_is_wanted_or_ready_is_not_opened_again():
    document = completed(wanted(1, 3), wanted(2, 3, 4))
    assert document.wanted == {3: 1, 4: 2}
    assert completed(wanted(1, 3), wanted(2, 3)) == completed(wanted(1, 3))
    done = (wanted(1, 3), rendered(3, 1))
    assert completed(*done, wanted(2, 3)) == completed(*done)


def test_no_number_of_the_plan_and_none_beyond_the_limit_is_opened():
    assert completed(wanted(1, 1, 2)) == completed()
    assert completed(wanted(1, JOB_CLIPS_LIMIT + 1)) == completed()
    assert completed(wanted(1, 2, JOB_CLIPS_LIMIT)).wanted == {JOB_CLIPS_LIMIT: 1}


def test_a_generation_has_ended_once_none_of_its_clips_is_open():
    assert completed().ended_generation == 0
    open_twice = (wanted(1, 3), wanted(2, 4))
    assert completed(*open_twice).ended_generation == 0
    assert completed(*open_twice, rendered(4, 2)).ended_generation == 0
    assert completed(*open_twice, rendered(3, 1)).ended_generation == 1
    assert completed(*open_twice, rendered(3, 1), failed(4, 2)).ended_generation == 2


def test_a_job_with_an_open_clip_is_kept():
    assert completed().kept_from == 2.0
    document = completed(wanted(1, 4, at=5.0))
    assert (document.kept_from, document.extended) == (None, 5.0)
    retried = Reopened(job=JOB, generation=2, clip=4, at=9.0)
    assert completed(wanted(1, 4, at=5.0), failed(4, 1, at=7.0), retried).extended == 9.0
    assert folded().kept_from is None


def test_a_clip_that_failed_can_be_wanted_again():
    document = completed(wanted(1, 4), progress(4, 60), failed(4, 1), wanted(2, 4), progress(4, 10, 2))
    assert (document.wanted, document.clips_failed, document.clip_percent[4]) == ({4: 2}, {}, 10)
    fold(document, 50, failed(4, 1))
    assert document.wanted == {4: 2}, "the failure of an older generation does not count"
    fold(document, 51, rendered(4, 2))
    assert (document.clips_ready, document.wanted) == ([1, 2, 4], {})


def test_lost_clips_are_wanted_again_in_a_new_generation_and_no_others():
    document = completed(wanted(1, 3, 4), rendered(3, 1), wanted(2, 3, 4, revived=True))
    assert (document.wanted, document.revived) == ({4: 2}, True)
    assert completed(wanted(1, 3), wanted(2, 3, revived=True), wanted(3, 4)).revived is False


# Retries


def test_a_failed_clip_of_the_reserve_is_tried_again_while_the_job_stays_completed():
    document = completed(wanted(1, 4), failed(4, 1), reopened(2, clip=4))
    assert (document.state, document.wanted, document.clips_failed) == (JobState.COMPLETED, {4: 2}, {})
    assert document.finished == 2.0
    assert document.logs[-1] == "Again."
    fold(document, 50, rendered(4, 2))
    assert document.logs.count(log_lines.FINISHED) == 1
    assert (document.clips_ready, document.ended_generation) == ([1, 2, 4], 2)


def test_a_retry_of_a_clip_that_was_rendered_meanwhile_only_adds_its_line():
    done = (wanted(1, 4), failed(4, 1), wanted(2, 4), rendered(4, 2))
    before, after = completed(*done), completed(*done, reopened(3, clip=4))
    assert (after.state, after.clips, after.wanted) == (JobState.COMPLETED, before.clips, {})
    assert after.logs == [*before.logs, "Again."]


def test_several_failed_clips_of_the_reserve_are_tried_again_at_once():
    document = completed(wanted(1, 3, 4), failed(3, 1), failed(4, 1), reopened(2))
    assert (document.state, document.wanted) == (JobState.COMPLETED, {3: 2, 4: 2})


def test_a_retry_of_clips_of_the_plan_takes_those_of_the_reserve_along():
    document = folded(
        ClipsPlanned(job=JOB, count=2, reserve=3),
        failed(1),
        rendered(2),
        wanted(1, 4),
        failed(4, 1),
        reopened(2),
    )
    assert (document.state, document.wanted, document.clips_failed) == (JobState.PROCESSING, {4: 2}, {})
    fold(document, 50, rendered(1, 2))
    assert (document.state, document.wanted, document.ended_generation) == (JobState.COMPLETED, {4: 2}, 1)
    assert document.logs[-2:] == ["2 of 5 good moments rendered; 2 in reserve.", log_lines.FINISHED]
    fold(document, 51, rendered(4, 2))
    assert document.ended_generation == 2


def test_a_clip_of_the_reserve_that_is_done_does_not_stand_for_one_of_the_plan():
    document = folded(
        ClipsPlanned(job=JOB, count=2, reserve=3),
        failed(1),
        rendered(2),
        wanted(1, 4),
        rendered(4, 1),
        reopened(2, clip=1),
    )
    assert document.state is JobState.PROCESSING
    fold(document, 50, rendered(1, 2))
    assert document.state is JobState.COMPLETED


def test_a_job_made_afresh_forgets_its_reserve_and_the_requests():
    document = completed(wanted(1, 3, 4, request="a"), rendered(3, 1), reopened(2, fresh=Stage.ANALYZE))
    assert (document.wanted, document.requests, document.clips_reserve) == ({}, {}, 0)
    assert (document.clips, document.state) == ([], JobState.PROCESSING)


def test_a_job_that_fails_or_is_cancelled_after_its_reopening_wants_nothing_more():
    reopening = (wanted(1, 4), reopened(2, fresh=None, clip=1))
    stop = Failed(job=JOB, generation=2, stage=Stage.RENDER, code=ErrorCode.INTERNAL, sentence="It broke.")
    for end in (stop, Cancelled(job=JOB)):
        document = folded(ClipsPlanned(job=JOB, count=2, reserve=3), failed(1), rendered(2), *reopening, end)
        assert (document.state, document.wanted, document.ended_generation) == (JobState.FAILED, {}, 2)


numbers = st.integers(1, 6)
generations = st.integers(0, 4)
lists = st.lists(numbers, min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))
reserves = st.lists(st.integers(3, 5), min_size=1, unique=True).map(tuple)
streams = st.lists(
    st.one_of(
        st.builds(
            ClipsWanted,
            job=st.just(JOB),
            generation=generations,
            numbers=lists,
            request=st.sampled_from(["", "a", "b"]),
            revived=st.booleans(),
        ),
        st.builds(rendered, numbers, generations),
        st.builds(failed, numbers, generations),
        st.builds(progress, numbers, st.integers(0, 100), generations),
        st.builds(lambda generation: Log(job=JOB, name="a", line="a", generation=generation), generations),
        st.builds(lambda number, made: reopened(made, clip=number), st.integers(3, 6), generations),
        st.builds(lambda found, made: reopened(made, clips=found), reserves, generations),
        st.just(Cancelled(job=JOB)),
        generations.map(
            lambda made: Failed(job=JOB, generation=made, stage=None, code=ErrorCode.INTERNAL, sentence="")
        ),
    ),
    max_size=30,
)


@given(streams)
def test_whatever_becomes_of_the_reserve_a_completed_job_stays_so_and_only_grows(stream):
    document = completed()
    for sequence, event in enumerate(stream, 50):
        before = copy.deepcopy(document)
        changed = fold(document, sequence, event)
        assert changed or document == before
        assert document.state is JobState.COMPLETED
        assert document.logs[: len(before.logs)] == before.logs
        assert document.logs.count(log_lines.FINISHED) == 1
        assert document.clips[: len(before.clips)] == before.clips
        assert len(set(document.clips_ready)) == len(document.clips_ready) == len(document.clips)
        assert not document.wanted.keys() & {*document.clips_ready, *document.clips_failed, 1, 2}
        assert document.ended_generation >= before.ended_generation or not isinstance(event, ClipRendered | ClipFailed)


@given(streams, st.data())
def test_replays_of_the_reserve_s_events_change_nothing(stream, data):
    once = completed(*stream)
    again = completed()
    position, steps = 0, 0
    while position < len(stream) and steps < 100:
        steps += 1
        fold(again, position + 7, stream[position])
        position = data.draw(st.integers(0, position)) if data.draw(st.integers(0, 5)) == 0 else position + 1
    for rest in range(position, len(stream)):
        fold(again, rest + 7, stream[rest])
    assert again == once
    restored = msgspec.json.decode(msgspec.json.encode(once), type=type(once))
    assert restored == once
