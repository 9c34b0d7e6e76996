"""The fold: the logs and clips that a poller sees only grow, whatever is replayed, doubled or lost."""

import copy

import msgspec
from clipmill.contracts import log_lines
from clipmill.contracts.documents import Cost
from clipmill.contracts.events import (
    Cancelled,
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
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.gateway.projection.document import job_view, public_status
from clipmill.gateway.projection.fold import begin, fold
from hypothesis import given
from hypothesis import strategies as st
from reserve_events import JOB, failed, rendered


def over(generation: int = 0) -> Failed:
    return Failed(job=JOB, generation=generation, stage=Stage.RENDER, code=ErrorCode.INTERNAL, sentence="It broke.")


def reopened(generation: int = 1, *, clip: int | None = None, fresh: Stage | None = None) -> Reopened:
    return Reopened(job=JOB, generation=generation, clip=clip, fresh=fresh, line=log_lines.RETRIED)


def revived(generation: int = 1) -> Reopened:
    return Reopened(job=JOB, generation=generation, revived=True, line=log_lines.REVIVED)


def folded(*events):
    document = begin(1, Queued(job=JOB))
    for sequence, event in enumerate(events, 2):
        fold(document, sequence, event)
    return document


WHOLE_JOB = (
    Started(job=JOB),
    StageStarted(job=JOB, stage=Stage.DOWNLOAD, line="Downloading video from YouTube..."),
    StageFinished(job=JOB, stage=Stage.DOWNLOAD),
    StageStarted(job=JOB, stage=Stage.TRANSCRIBE, line=log_lines.TRANSCRIBING),
    StageStarted(job=JOB, stage=Stage.SCENES, line=log_lines.DETECTING),
    StageFinished(job=JOB, stage=Stage.SCENES),
    StageFinished(job=JOB, stage=Stage.TRANSCRIBE, whisper_seconds=180.0),
    StageStarted(job=JOB, stage=Stage.ANALYZE, line=log_lines.ANALYZING_WITH_GEMINI),
    CostKnown(job=JOB, cost=Cost(total_usd=0.0042, provider_calls=3)),
    StageFinished(job=JOB, stage=Stage.ANALYZE),
    ClipsPlanned(job=JOB, count=2),
    StageStarted(job=JOB, stage=Stage.RENDER),
    rendered(2),
    rendered(1),
)


def test_a_job_that_succeeds_reads_as_the_contract_says():
    status = public_status(folded(*WHOLE_JOB))
    assert status.status is JobState.COMPLETED
    assert list(status.logs) == [
        f"Job {JOB} queued.",
        "Job started by worker.",
        "Downloading video from YouTube...",
        "Transcribing audio with Whisper...",
        "Detecting scenes with PySceneDetect...",
        "Analyzing viral moments with Gemini AI...",
        "Clip 2 of 2 ready: Title 2",
        "Clip 1 of 2 ready: Title 1",
        "Process finished successfully.",
    ]
    assert [c.title for c in status.result.clips] == ["Title 2", "Title 1"]
    assert msgspec.to_builtins(status.result.cost_analysis) == {
        "total_cost": 0.0042,
        "gemini_api_calls": 3,
        "whisper_duration_seconds": 180.0,
    }


def test_the_result_appears_with_the_first_clip_while_the_job_goes_on():
    status = public_status(folded(*WHOLE_JOB[:-1]))
    assert status.status is JobState.PROCESSING
    assert len(status.result.clips) == 1
    assert public_status(folded(*WHOLE_JOB[:-2])).result is None


def test_a_job_that_fails_says_why_in_two_lines():
    document = folded(
        Started(job=JOB),
        StageStarted(job=JOB, stage=Stage.DOWNLOAD, line="Downloading video from YouTube..."),
        Failed(job=JOB, stage=Stage.DOWNLOAD, code=ErrorCode.DOWNLOAD_FAILED, sentence="yt-dlp download failed"),
    )
    status = public_status(document)
    assert status.status is JobState.FAILED
    assert status.result is None
    assert list(status.logs[-2:]) == ["Process failed with exit code 1", "Execution error: yt-dlp download failed"]
    assert job_view(document).error.code is ErrorCode.DOWNLOAD_FAILED


def test_a_clip_that_fails_does_not_take_the_others_along():
    document = folded(*WHOLE_JOB[:-2], failed(1), rendered(2))
    assert document.state is JobState.COMPLETED
    assert "Clip 1 of 2 failed: No memory was left." in document.logs
    assert document.logs[-1] == log_lines.FINISHED


def test_a_job_without_a_single_clip_has_failed():
    document = folded(*WHOLE_JOB[:-2], failed(1), failed(2))
    assert document.state is JobState.FAILED
    assert document.error.code is ErrorCode.NO_CLIP_RENDERED
    assert public_status(document).result is None


def test_a_cancelled_job_adds_one_line_and_hears_nothing_more():
    document = folded(*WHOLE_JOB[:6], Cancelled(job=JOB), *WHOLE_JOB[6:])
    assert document.logs[-1] == "Job cancelled."
    assert len(document.logs) == 6
    assert (document.state, job_view(document).status) == (JobState.FAILED, "cancelled")


def test_a_failed_job_that_is_reopened_goes_on_where_it_was():
    document = folded(*WHOLE_JOB[:-1], over(), reopened(), rendered(1))
    assert document.logs[-4:] == [
        "Execution error: It broke.",
        log_lines.RETRIED,
        "Clip 1 of 2 ready: Title 1",
        log_lines.FINISHED,
    ]
    assert (document.state, document.generation, document.error) == (JobState.COMPLETED, 1, None)
    assert document.clips_ready == [2, 1]


def test_a_failed_job_that_is_reopened_shows_no_failure_while_it_works():
    view = job_view(folded(*WHOLE_JOB[:-1], over(), reopened()))
    assert (view.status, view.error, view.finished, view.stage) == (JobState.PROCESSING, None, None, Stage.RENDER)


def test_a_failed_clip_is_tried_again_while_the_others_stay_what_they_are():
    document = folded(*WHOLE_JOB[:-2], failed(1), rendered(2), reopened(clip=1))
    assert (document.state, document.clips_ready, document.clips_failed) == (JobState.PROCESSING, [2], {})
    assert document.stages[Stage.RENDER].state == "running"
    fold(document, 100, failed(1))
    assert document.state is JobState.PROCESSING, "the failure of an older generation does not count"
    fold(document, 101, failed(1, generation=1))
    assert (document.state, list(document.clips_failed)) == (JobState.COMPLETED, [1])


def test_a_job_that_is_made_afresh_repeats_what_was_removed_and_no_more():
    before = folded(*WHOLE_JOB)
    document = folded(*WHOLE_JOB, reopened(fresh=Stage.ANALYZE))
    assert (document.clips_planned, document.clips, document.clips_ready) == (None, [], [])
    assert document.stages.keys() == {Stage.DOWNLOAD, Stage.TRANSCRIBE, Stage.SCENES}
    for sequence, event in enumerate(WHOLE_JOB, 100):
        fold(document, sequence, event)
    again = WHOLE_JOB.index(StageStarted(job=JOB, stage=Stage.ANALYZE, line=log_lines.ANALYZING_WITH_GEMINI))
    repeated = [log_lines.RETRIED, log_lines.ANALYZING_WITH_GEMINI, *before.logs[-3:]]
    assert (again, document.logs) == (7, [*before.logs, *repeated])
    assert (document.state, document.clips) == (JobState.COMPLETED, before.clips)


def test_a_clip_that_failed_before_it_was_made_afresh_is_not_failed_by_the_same_words():
    document = folded(*WHOLE_JOB[:-2], failed(1), failed(2), reopened(fresh=Stage.RENDER), failed(1))
    assert (document.state, document.clips_failed) == (JobState.PROCESSING, {})


def test_a_job_in_which_all_is_done_completes_again_when_it_is_reopened():
    document = folded(*WHOLE_JOB, reopened())
    assert document.state is JobState.COMPLETED
    assert document.logs[-2:] == [log_lines.RETRIED, log_lines.FINISHED]
    assert document.clips == folded(*WHOLE_JOB).clips


def test_the_failure_of_an_older_generation_ends_nothing():
    document = folded(*WHOLE_JOB[:3], over(), reopened(), over())
    assert document.state is JobState.PROCESSING
    assert folded(*WHOLE_JOB, reopened(3, clip=1), over(2)).error is None
    unheard = folded(*WHOLE_JOB[:3], reopened(), over())
    assert unheard.state is JobState.PROCESSING, "nor if it is folded only now"
    assert folded(*WHOLE_JOB[:3], reopened(), over(1)).state is JobState.FAILED


def test_a_cancelled_job_is_never_reopened():
    once = folded(*WHOLE_JOB[:3], Cancelled(job=JOB))
    assert folded(*WHOLE_JOB[:3], Cancelled(job=JOB), reopened(), revived(2)) == once


def test_only_a_job_that_has_not_ended_is_revived():
    document = folded(*WHOLE_JOB[:3], revived())
    assert (document.generation, document.revived, document.logs[-1]) == (1, True, log_lines.REVIVED)
    for end in (over(), Cancelled(job=JOB)):
        ended = folded(*WHOLE_JOB[:3], end)
        assert folded(*WHOLE_JOB[:3], end, revived()) == ended


def test_a_job_that_an_operator_reopens_may_be_revived_once_more():
    document = folded(*WHOLE_JOB[:3], revived(), over(1), reopened(2))
    assert (document.generation, document.revived) == (2, False)


def test_a_document_knows_the_submission_it_began_with():
    queued = Queued(job=JOB, at=17.5, source="film.mp4", upload=True, priority=Priority.HIGH, ignored_options=("a",))
    document = begin(1, queued)
    assert document.submission() == queued
    assert job_view(document).priority is Priority.HIGH


def test_progress_moves_forward_only_and_shows_in_the_rich_view():
    document = folded(
        Started(job=JOB),
        StageStarted(job=JOB, stage=Stage.DOWNLOAD),
        StageProgress(job=JOB, stage=Stage.DOWNLOAD, attempt=1, percent=60),
        StageProgress(job=JOB, stage=Stage.DOWNLOAD, attempt=2, percent=10),
    )
    view = job_view(document)
    assert (view.stage, view.stages[Stage.DOWNLOAD].percent, view.percent) == (Stage.DOWNLOAD, 60, 6)
    assert job_view(folded(*WHOLE_JOB)).percent == 100


def test_nothing_but_queued_begins_a_job():
    assert all(begin(1, event) is None for event in WHOLE_JOB)


numbers = st.integers(1, 4)
generations = st.integers(0, 3)
stages = st.sampled_from(Stage)
ordinary = st.one_of(
    st.just(Queued(job=JOB)),
    st.just(Started(job=JOB)),
    stages.map(lambda stage: StageStarted(job=JOB, stage=stage, line=f"{stage}...")),
    stages.map(lambda stage: StageFinished(job=JOB, stage=stage)),
    st.builds(StageProgress, job=st.just(JOB), stage=stages, attempt=numbers, percent=st.integers(0, 100)),
    st.builds(lambda name: Log(job=JOB, name=name, line=name), st.sampled_from(["a", "b"])),
    numbers.map(lambda count: ClipsPlanned(job=JOB, count=count)),
    numbers.map(rendered),
    st.builds(failed, numbers, generations),
    generations.map(over),
    st.just(Cancelled(job=JOB)),
)
reopenings = st.one_of(
    st.builds(reopened, numbers, clip=st.none() | numbers),
    st.builds(reopened, numbers, fresh=stages),
    numbers.map(revived),
)
unopened = st.lists(ordinary, max_size=40)
streams = st.lists(st.one_of(ordinary, ordinary, ordinary, reopenings), max_size=40)
RANK = [JobState.QUEUED, JobState.PROCESSING, JobState.COMPLETED, JobState.FAILED]


@given(unopened)
def test_logs_and_clips_only_grow_and_a_status_never_goes_back(stream):
    document, before = begin(1, Queued(job=JOB)), None
    for sequence, event in enumerate(stream, 2):
        was_terminal = document.state.terminal
        fold(document, sequence, event)
        after = public_status(copy.deepcopy(document))
        if before is not None:
            assert after.logs[: len(before.logs)] == before.logs
            assert RANK.index(after.status) >= RANK.index(before.status)
            if before.result and after.result:
                assert after.result.clips[: len(before.result.clips)] == before.result.clips
            if was_terminal:
                assert after == before
        before = after


@given(streams)
def test_only_a_reopening_takes_anything_back_and_never_a_line_of_the_log(stream):
    document = begin(1, Queued(job=JOB))
    for sequence, event in enumerate(stream, 2):
        before = copy.deepcopy(document)
        changed = fold(document, sequence, event)
        assert document.logs[: len(before.logs)] == before.logs
        assert document.generation >= before.generation
        assert changed or document == before
        if not isinstance(event, Reopened):
            assert document.clips[: len(before.clips)] == before.clips
            assert RANK.index(document.state) >= RANK.index(before.state)
        elif event.fresh is None:
            assert document.clips == before.clips
        if before.cancelled:
            assert document == before


@given(streams, generations)
def test_nothing_of_an_older_generation_fails_a_job(stream, generation):
    document = folded(*stream)
    before = copy.deepcopy(document)
    if fold(document, 100, over(generation)):
        assert generation >= before.generation
        assert not before.state.terminal


@given(streams, st.data())
def test_replays_and_republished_duplicates_change_nothing(stream, data):
    """A reader that starts again anywhere, and a stream in which events are said twice, give the same document."""
    once = folded(*stream)
    again = begin(1, Queued(job=JOB))
    position, steps = 0, 0
    while position < len(stream) and steps < 200:
        steps += 1
        fold(again, position + 2, stream[position])
        position = data.draw(st.integers(0, position)) if data.draw(st.integers(0, 5)) == 0 else position + 1
    for rest in range(position, len(stream)):
        fold(again, rest + 2, stream[rest])
    assert again == once
    doubled = folded(*(event for event in stream for _ in range(2)))
    assert public_status(doubled) == public_status(once)


@given(streams, streams)
def test_a_document_survives_its_encoding(first, second):
    document = folded(*first)
    restored = msgspec.json.decode(msgspec.json.encode(document), type=type(document))
    for sequence, event in enumerate(second, 100):
        fold(document, sequence, event)
        fold(restored, sequence, event)
    assert restored == document


@given(streams)
def test_every_planned_clip_accounted_for_means_the_job_has_ended(stream):
    document = folded(*stream)
    assert len(set(document.clips_ready)) == len(document.clips_ready) == len(document.clips)
    assert not set(document.clips_ready) & set(document.clips_failed)
    if document.clips_planned is not None:
        heard = [*document.clips_ready, *document.clips_failed]
        done = sum(not document.in_reserve(number) for number in heard)
        assert document.state.terminal or done < document.clips_planned
