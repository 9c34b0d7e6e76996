"""The fold in detail: progress, times and states of stages, and the parts that a reopened job keeps or drops."""

import msgspec
import pytest
from clipmill.contracts import log_lines
from clipmill.contracts.api import FailureView, StageView
from clipmill.contracts.documents import Cost
from clipmill.contracts.events import (
    Cancelled,
    ClipFailed,
    ClipsPlanned,
    CostKnown,
    Failed,
    Log,
    Queued,
    Reopened,
    StageFinished,
    StageProgress,
    StageStarted,
    Started,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.gateway.projection.document import job_view
from clipmill.gateway.projection.fold import begin, fold
from reserve_events import JOB, rendered


def clip_failed(number: int, at: float = 0.0, generation: int = 0) -> ClipFailed:
    sentence = f"Clip {number} met no memory."
    return ClipFailed(
        job=JOB, clip=number, code=ErrorCode.OUT_OF_MEMORY, sentence=sentence, at=at, generation=generation
    )


def progress(stage: Stage, percent: int, *, attempt: int = 1, clip: int | None = None) -> StageProgress:
    return StageProgress(job=JOB, stage=stage, attempt=attempt, percent=percent, clip=clip)


def folded(*events):
    document = begin(1, Queued(job=JOB))
    for sequence, event in enumerate(events, 2):
        fold(document, sequence, event)
    return document


# Beginning and order


def test_a_document_begins_with_the_whole_submission():
    options = JobOptions(target_clips=5)
    queued = Queued(
        job=JOB,
        at=17.5,
        options=options,
        source="talk.mp4",
        upload=True,
        priority=Priority.HIGH,
        ignored_options=("colour",),
    )
    document = begin(9, queued)
    assert document.logs == [f"Job {JOB} queued."]
    assert (document.options, document.source, document.upload) == (options, "talk.mp4", True)
    assert (document.priority, document.ignored_options, document.created) == (Priority.HIGH, ("colour",), 17.5)
    assert (document.sequence, document.keys, document.state) == (9, [queued.key], JobState.QUEUED)


def test_the_document_remembers_the_last_event_that_changed_it():
    document = folded(Started(job=JOB), Log(job=JOB, name="a", line="A line."))
    assert document.sequence == 3
    assert not fold(document, 7, Log(job=JOB, name="a", line="A line."))
    assert document.sequence == 3, "a repeated event changes nothing"
    assert fold(document, 8, progress(Stage.DOWNLOAD, 5))
    assert document.sequence == 8


def test_an_event_at_the_document_s_own_sequence_was_folded_already():
    document = folded(Started(job=JOB))
    assert not fold(document, 2, Log(job=JOB, name="a", line="A line."))
    assert not fold(document, 1, Log(job=JOB, name="a", line="A line."))
    assert fold(document, 3, Log(job=JOB, name="a", line="A line."))


def test_a_second_queued_event_changes_nothing():
    document = folded(Started(job=JOB))
    assert not fold(document, 3, Queued(job=JOB, generation=1))
    assert (document.sequence, document.generation, document.state) == (2, 0, JobState.PROCESSING)


def test_an_event_that_arrives_late_does_not_lower_the_generation():
    document = folded(Reopened(job=JOB, generation=2), Log(job=JOB, name="late", line="Late.", generation=1))
    assert (document.generation, document.logs[-1]) == (2, "Late.")


# Stages


def test_a_job_is_processing_since_its_first_sign_of_work():
    document = folded(Started(job=JOB, at=10.0), StageStarted(job=JOB, stage=Stage.DOWNLOAD, at=11.0))
    assert document.logs[-1] == log_lines.STARTED
    assert (document.state, document.started) == (JobState.PROCESSING, 10.0)
    at_once = folded(StageStarted(job=JOB, stage=Stage.DOWNLOAD, at=11.0), Started(job=JOB, at=12.0))
    assert (at_once.state, at_once.started) == (JobState.PROCESSING, 11.0)


def test_a_stage_runs_from_its_first_start_to_its_end():
    started = StageStarted(job=JOB, stage=Stage.SCENES, at=12.0)
    document = folded(started)
    assert document.stages[Stage.SCENES] == StageView(state="running", started=12.0)
    fold(document, 3, StageFinished(job=JOB, stage=Stage.SCENES, at=15.0))
    assert document.stages[Stage.SCENES] == StageView(state="finished", percent=100, started=12.0, finished=15.0)


def test_a_stage_that_was_heard_to_finish_does_not_start_again():
    document = folded(
        StageFinished(job=JOB, stage=Stage.SCENES, at=15.0), StageStarted(job=JOB, stage=Stage.SCENES, at=16.0)
    )
    assert document.stages[Stage.SCENES] == StageView(state="finished", percent=100, finished=15.0)


def test_a_stage_that_starts_without_a_line_adds_none_to_the_log():
    document = folded(StageStarted(job=JOB, stage=Stage.RENDER), StageStarted(job=JOB, stage=Stage.SCENES, line="On."))
    assert document.logs[1:] == ["On."]


def test_the_end_of_one_clip_s_rendering_does_not_end_the_stage():
    document = folded(
        StageStarted(job=JOB, stage=Stage.RENDER), StageFinished(job=JOB, stage=Stage.RENDER, clip=1, at=15.0)
    )
    assert document.stages[Stage.RENDER].state == "running"


def test_what_whisper_heard_is_kept_to_the_millisecond_beside_the_other_costs():
    document = folded(
        CostKnown(job=JOB, cost=Cost(total_usd=0.5, provider_calls=2)),
        StageFinished(job=JOB, stage=Stage.TRANSCRIBE, whisper_seconds=1.23456),
        StageFinished(job=JOB, stage=Stage.SCENES),
    )
    assert msgspec.to_builtins(document.cost) == {
        "total_cost": 0.5,
        "gemini_api_calls": 2,
        "whisper_duration_seconds": 1.235,
    }


# Progress


def test_progress_keeps_the_try_that_reported_the_most():
    document = folded(progress(Stage.DOWNLOAD, 30, attempt=1), progress(Stage.DOWNLOAD, 60, attempt=2))
    assert document.stages[Stage.DOWNLOAD] == StageView(percent=60, attempt=2)
    for percent in (60, 59):
        assert not fold(document, 10, progress(Stage.DOWNLOAD, percent, attempt=3))
    assert document.stages[Stage.DOWNLOAD] == StageView(percent=60, attempt=2)


def test_no_progress_at_all_makes_no_stage():
    document = folded()
    assert not fold(document, 2, progress(Stage.DOWNLOAD, 0))
    assert document.stages == {}


def test_a_finished_stage_makes_no_more_progress():
    document = folded(StageFinished(job=JOB, stage=Stage.DOWNLOAD))
    document.stages[Stage.DOWNLOAD].percent = 50  # as a document of an older version may say
    assert not fold(document, 3, progress(Stage.DOWNLOAD, 60))


def test_the_render_stage_is_as_far_as_its_clips_on_average():
    document = folded(ClipsPlanned(job=JOB, count=4), progress(Stage.RENDER, 50, clip=1))
    assert document.clip_percent == {1: 50}
    assert document.stages[Stage.RENDER].percent == 12
    fold(document, 4, progress(Stage.RENDER, 30, clip=3))
    assert document.stages[Stage.RENDER].percent == 20
    fold(document, 5, rendered(1))
    assert document.clip_percent == {1: 100, 3: 30}
    assert document.stages[Stage.RENDER].percent == 32
    fold(document, 6, clip_failed(2))
    assert document.clip_percent == {1: 100, 2: 100, 3: 30}
    assert document.stages[Stage.RENDER].percent == 57


def test_a_clip_s_progress_moves_forward_only():
    document = folded(ClipsPlanned(job=JOB, count=2), progress(Stage.RENDER, 0, clip=1))
    assert document.clip_percent == {1: 0}, "a clip at 0 percent is at work"
    assert fold(document, 4, progress(Stage.RENDER, 40, clip=1))
    for percent in (40, 39):
        assert not fold(document, 5, progress(Stage.RENDER, percent, clip=1))
    assert document.clip_percent == {1: 40}


def test_the_stage_s_percentage_never_goes_back_when_the_plan_turns_out_longer():
    document = folded(progress(Stage.RENDER, 80, clip=1))
    assert document.stages[Stage.RENDER].percent == 80
    fold(document, 3, ClipsPlanned(job=JOB, count=4))
    fold(document, 4, progress(Stage.RENDER, 10, clip=2))
    assert document.stages[Stage.RENDER].percent == 80


def test_before_the_plan_is_known_the_highest_clip_heard_of_counts():
    assert folded(progress(Stage.RENDER, 90, clip=3)).stages[Stage.RENDER].percent == 30
    assert folded(rendered(2)).logs[-1] == "Clip 2 of 2 ready: Title 2"
    assert folded(progress(Stage.RENDER, 10, clip=3), rendered(2)).logs[-1] == "Clip 2 of 3 ready: Title 2"
    assert folded(clip_failed(1)).logs[-1] == "Clip 1 of 1 failed: Clip 1 met no memory."


# Clips and ends


def test_a_clip_is_what_was_heard_of_it_first():
    document = folded(ClipsPlanned(job=JOB, count=3), rendered(1), clip_failed(1), clip_failed(2), rendered(2))
    assert (document.clips_ready, list(document.clips_failed)) == ([1], [2])
    assert document.logs[1:] == ["Clip 1 of 3 ready: Title 1", "Clip 2 of 3 failed: Clip 2 met no memory."]
    assert [public.title for public in document.clips] == ["Title 1"]
    assert document.clips_failed[2] == FailureView(code=ErrorCode.OUT_OF_MEMORY, sentence="Clip 2 met no memory.")


def test_a_job_ends_with_its_last_clip():
    document = folded(
        Started(job=JOB, at=1.0), ClipsPlanned(job=JOB, count=2), rendered(2, at=5.0), clip_failed(1, at=6.0)
    )
    assert (document.state, document.finished) == (JobState.COMPLETED, 6.0)
    assert document.stages[Stage.RENDER] == StageView(state="finished", percent=100, finished=6.0)


def test_a_job_without_a_clip_gives_the_reason_of_the_last():
    document = folded(ClipsPlanned(job=JOB, count=3), clip_failed(2), clip_failed(3), clip_failed(1, at=7.0))
    sentence = "None of the 3 clips could be rendered. Clip 1 met no memory."
    assert document.error == FailureView(code=ErrorCode.NO_CLIP_RENDERED, sentence=sentence)
    assert (document.state, document.finished) == (JobState.FAILED, 7.0)
    assert document.logs[-2:] == [log_lines.FAILED, log_lines.execution_error(sentence)]


def test_a_job_whose_only_clip_failed_says_so():
    document = folded(ClipsPlanned(job=JOB, count=1), clip_failed(1))
    sentence = "The only clip could not be rendered. Clip 1 met no memory."
    assert document.error == FailureView(code=ErrorCode.NO_CLIP_RENDERED, sentence=sentence)


def test_a_failed_and_a_cancelled_job_know_when_and_why():
    failed = folded(Failed(job=JOB, stage=Stage.SCENES, code=ErrorCode.INTERNAL, sentence="It broke.", at=8.0))
    assert (failed.state, failed.cancelled, failed.finished) == (JobState.FAILED, False, 8.0)
    assert failed.error == FailureView(code=ErrorCode.INTERNAL, sentence="It broke.")
    cancelled = folded(Cancelled(job=JOB, at=9.0))
    assert (cancelled.state, cancelled.cancelled, cancelled.finished) == (JobState.FAILED, True, 9.0)
    assert cancelled.error == FailureView(code=ErrorCode.CANCELLED, sentence=log_lines.CANCELLED)
    assert cancelled.logs[-1] == log_lines.CANCELLED


@pytest.mark.parametrize(
    "end", [Failed(job=JOB, stage=Stage.SCENES, code=ErrorCode.INTERNAL, sentence="It broke."), Cancelled(job=JOB)]
)
def test_a_job_that_has_ended_hears_only_of_its_reopening(end):
    document = folded(end)
    assert not fold(document, 10, Log(job=JOB, name="late", line="Late."))
    assert not fold(document, 11, Reopened(job=JOB, generation=1, revived=True)), "an ended job was not lost"
    assert fold(document, 12, Reopened(job=JOB, generation=1)) is not document.cancelled


# Reopening


HALF_RENDERED = (
    Started(job=JOB, at=1.0),
    StageStarted(job=JOB, stage=Stage.SCENES, at=2.0),
    StageFinished(job=JOB, stage=Stage.SCENES, at=3.0),
    StageStarted(job=JOB, stage=Stage.ANALYZE, at=3.0),
    StageFinished(job=JOB, stage=Stage.ANALYZE, at=4.0),
    ClipsPlanned(job=JOB, count=3),
    StageStarted(job=JOB, stage=Stage.RENDER, at=4.0),
    rendered(1),
    clip_failed(2),
    clip_failed(3, at=5.0),
)


def test_a_reopened_job_tries_every_failed_clip_again_from_the_beginning():
    document = folded(*HALF_RENDERED, Reopened(job=JOB, generation=1, line=log_lines.RETRIED))
    assert (document.state, document.finished, document.error) == (JobState.PROCESSING, None, None)
    assert (document.clips_ready, document.clips_failed, document.clip_percent) == ([1], {}, {1: 100})
    render = document.stages[Stage.RENDER]
    assert (render.state, render.percent, render.started, render.finished) == ("running", 100, 4.0, None)
    assert document.logs[-1] == log_lines.RETRIED


def test_reopening_one_clip_leaves_the_other_failed_ones_alone():
    document = folded(*HALF_RENDERED, Reopened(job=JOB, generation=1, clip=2))
    assert (list(document.clips_failed), document.clip_percent) == ([3], {1: 100, 3: 100})
    assert document.logs[-1] == log_lines.FINISHED, "a reopening without a line adds none"
    fold(document, 20, clip_failed(2, generation=1))
    assert (document.state, list(document.clips_failed)) == (JobState.COMPLETED, [3, 2])


def test_reopening_a_clip_that_did_not_fail_leaves_its_progress():
    document = folded(*HALF_RENDERED, Reopened(job=JOB, generation=1, clip=1))
    assert (document.clips_ready, list(document.clips_failed)) == ([1], [2, 3])
    assert document.clip_percent == {1: 100, 2: 100, 3: 100}


def test_a_job_that_waits_and_is_revived_still_waits():
    document = folded(Reopened(job=JOB, generation=1, revived=True, line=log_lines.REVIVED))
    assert (document.state, document.revived, document.started) == (JobState.QUEUED, True, None)
    assert document.stages == {}


def test_a_revived_job_keeps_a_stage_that_runs_as_it_is():
    document = folded(*HALF_RENDERED[:7], Reopened(job=JOB, generation=1, revived=True))
    assert document.stages[Stage.RENDER] == StageView(state="running", started=4.0)
    assert document.stages[Stage.SCENES].state == "finished"


def test_a_job_made_afresh_from_its_clips_on_keeps_the_plan():
    document = folded(*HALF_RENDERED, Reopened(job=JOB, generation=1, fresh=Stage.RENDER))
    assert document.clips_planned == 3
    assert (document.clips, document.clips_ready, document.clips_failed, document.clip_percent) == ([], [], {}, {})
    assert document.stages.keys() == {Stage.SCENES, Stage.ANALYZE}
    assert not fold(document, 20, ClipsPlanned(job=JOB, count=5)), "the plan was not removed, so it is repeated"
    assert fold(document, 21, StageStarted(job=JOB, stage=Stage.RENDER, at=9.0))
    assert document.stages[Stage.RENDER] == StageView(state="running", started=9.0)
    assert fold(document, 22, rendered(1))
    assert document.clips_ready == [1]


def test_a_job_made_afresh_from_its_analysis_on_may_be_planned_otherwise():
    document = folded(
        CostKnown(job=JOB, cost=Cost(total_usd=0.5, provider_calls=2)),
        *HALF_RENDERED,
        Reopened(job=JOB, generation=1, fresh=Stage.ANALYZE),
    )
    assert document.clips_planned is None
    assert not fold(document, 20, StageStarted(job=JOB, stage=Stage.SCENES)), "scenes are as they were"
    assert fold(document, 21, StageStarted(job=JOB, stage=Stage.ANALYZE))
    assert fold(document, 22, CostKnown(job=JOB, cost=Cost(total_usd=0.75, provider_calls=1)))
    assert (document.cost.total_cost, document.cost.gemini_api_calls) == (0.75, 1)
    assert fold(document, 23, ClipsPlanned(job=JOB, count=1))
    assert fold(document, 24, rendered(1))
    assert document.state is JobState.COMPLETED


def test_a_clip_that_is_reopened_forgets_nothing_else_even_with_a_stage_to_make_afresh():
    document = folded(*HALF_RENDERED, Reopened(job=JOB, generation=1, clip=2, fresh=Stage.RENDER))
    assert (document.clips_ready, list(document.clips_failed), document.clips_planned) == ([1], [3], 3)


@pytest.mark.parametrize("generation", [0, 1])
def test_only_the_present_generation_fails_a_job(generation):
    document = folded(Started(job=JOB), Reopened(job=JOB, generation=1, line=log_lines.RETRIED))
    ended = Failed(job=JOB, generation=generation, stage=Stage.SCENES, code=ErrorCode.INTERNAL, sentence="It broke.")
    assert fold(document, 10, ended) is (generation == 1)
    assert job_view(document).status == (JobState.FAILED if generation else JobState.PROCESSING)
