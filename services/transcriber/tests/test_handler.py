"""The handler without recognition of speech; `test_transcribing.py` has the rest."""

import pytest
from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import (
    MediaFacts,
    Origin,
    Scenes,
    Segment,
    Shot,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.events import Log, StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import Priority, new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import AnalyzeTask, TranscribeTask
from clipmill.operations.child import Limits
from clipmill.operations.settings import load_settings, renamed_variables
from clipmill.transcriber.fallbacks import FALLBACKS
from clipmill.transcriber.handler import TranscribeHandler, engine_request
from clipmill.transcriber.models.model_processes import ModelProcesses
from clipmill.transcriber.settings import TranscriberSettings
from clipmill.transcriber.speech_request import SpeechResult
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

TASK = TranscribeTask(job=new_job_id(), options=JobOptions(target_clips=5), priority=Priority.HIGH, generation=2)
SPOKEN = Transcript(
    language="en",
    duration=2.0,
    segments=(Segment(text="Hello.", start=0.5, end=1.0, words=(Word(text="Hello.", start=0.5, end=1.0),)),),
)


def media():
    return MediaFacts(
        stem="talk",
        title="Talk",
        container="mp4",
        duration=2.0,
        size_bytes=1,
        origin=Origin.UPLOAD,
        video=VideoFacts(codec="h264", width=64, height=48),
    )


@pytest.fixture
def store():
    return open_store("memory://")


@pytest.fixture
async def handler(store):
    async with ModelProcesses(Limits(), idle_seconds=60) as models:
        yield TranscribeHandler(store, TranscriberSettings(), models)
        assert not models.running, "nothing here needs the model"


async def test_a_source_without_sound_gets_an_empty_transcript_without_a_model_process(handler, store, context):
    await documents.save_once(store, layout.media(TASK.job), media())

    await handler(TASK, context)

    stored = await documents.load(store, layout.transcript(TASK.job), Transcript)
    assert stored == Transcript(language="", duration=0.0)
    assert [type(event) for event in context.events] == [StageStarted, StageFinished]
    assert context.events[0].line == "Transcribing audio with Whisper..."
    assert context.tasks == []


async def test_a_redelivered_task_skips_the_work_and_says_the_same_again(handler, store, context):
    await documents.save_once(store, layout.transcript(TASK.job), SPOKEN)

    await handler(TASK, context)

    assert context.events == [StageFinished(job=TASK.job, stage=Stage.TRANSCRIBE, seconds=0.0, whisper_seconds=2.0)]


async def test_the_next_stage_is_asked_for_once_the_scenes_are_there_too(handler, store, context):
    await documents.save_once(store, layout.transcript(TASK.job), SPOKEN)
    scenes = Scenes(shots=(Shot(start=0.0, end=2.0),), detector="adaptive", frame_rate=25.0)
    await documents.save_once(store, layout.scenes(TASK.job), scenes)

    await handler(TASK, context)

    assert context.tasks == [AnalyzeTask(job=TASK.job, options=TASK.options, priority=Priority.HIGH, generation=2)]


async def test_a_job_whose_media_facts_are_gone_fails_for_good(handler, context):
    with pytest.raises(Permanent) as failure:
        await handler(TASK, context)

    assert failure.value.code is ErrorCode.MISSING_ARTIFACT


@pytest.mark.parametrize("variable", ["CLIPMILL_TRANSCRIBER_DIARIZE", "CLIPMILL_DIARIZE"])
def test_the_present_and_the_earlier_name_of_diarize_turn_diarization_on(variable):
    settings = load_settings(TranscriberSettings, "transcriber", {variable: "true"})

    assert engine_request(settings).diarize
    assert not engine_request(TranscriberSettings()).diarize


def test_the_earlier_name_of_diarize_is_warned_about():
    warnings = renamed_variables(TranscriberSettings, "transcriber", {"CLIPMILL_DIARIZE": "true"})

    assert warnings == ["CLIPMILL_DIARIZE is now called CLIPMILL_TRANSCRIBER_DIARIZE; set it by that name."]


async def test_a_job_says_that_nobody_listened_to_the_room(handler, context):
    await handler._report(TASK, context, SpeechResult(transcript=SPOKEN))
    assert context.events == []
    await handler._report(TASK, context, SpeechResult(transcript=SPOKEN, sounds_problem="The model is missing."))
    (event,) = context.events
    assert isinstance(event, Log)
    assert event.name == "sounds_unavailable"
    assert "Laughter, applause and music are not marked" in event.line


async def test_a_job_says_that_no_model_knows_its_language_and_which_names_are_left_out(handler, context):
    esperanto = Transcript(language="eo", duration=2.0)
    problem = "whisper-base does not know it."
    await handler._report(TASK, context, SpeechResult(transcript=esperanto, language_problem=problem))
    await handler._report(TASK, context, SpeechResult(transcript=SPOKEN, names_left_out=7))
    assert [event.name for event in context.events] == ["language_unknown", "vocabulary_cut"]
    assert [event.line for event in context.events] == [
        'The clips have no captions because the speech is in "eo", which no speech model of the transcriber knows.',
        "The speech model does not take all of the vocabulary; entries left out: 7.",
    ]


@pytest.mark.parametrize("fallback", FALLBACKS, ids=lambda fallback: fallback.name)
async def test_each_fallback_is_in_the_log_a_metric_and_the_jobs_log(handler, context, fallback):
    read = NoteRead()
    fallback.problem(read)
    (attribute,) = read.attributes
    problem = 3 if isinstance(getattr(SpeechResult(transcript=SPOKEN), attribute), int) else "A {reason}."
    counted = REGISTRY.get_sample_value("clipmill_fallbacks_total", {"kind": fallback.kind}) or 0.0

    with capture_logs() as logged:
        await handler._report(TASK, context, SpeechResult(transcript=SPOKEN, **{attribute: problem}))

    (warning,) = [event for event in logged if event["log_level"] == "warning"]
    assert (warning["event"], warning[fallback.detail]) == (fallback.log_event, problem)
    assert REGISTRY.get_sample_value("clipmill_fallbacks_total", {"kind": fallback.kind}) == counted + 1
    (event,) = context.events
    assert event.name == fallback.name
    assert "{" not in event.line


class NoteRead:
    """A result that notes which of its attributes is read."""

    def __init__(self):
        self.attributes = []

    def __getattr__(self, name):
        self.attributes.append(name)


def test_the_best_model_of_the_machine_is_the_default():
    assert engine_request(TranscriberSettings()).model == "auto"


async def test_a_job_says_which_model_was_chosen_and_why(handler, context):
    reason = "whisper-base was chosen because the model runs on a CPU and small has not been fetched."
    await handler._report(TASK, context, SpeechResult(transcript=SPOKEN, model_reason=reason))
    assert [(event.name, event.line) for event in context.events] == [("model_chosen", f"Speech model: {reason}")]
