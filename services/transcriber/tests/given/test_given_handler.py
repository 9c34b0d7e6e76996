"""The task of a job whose submitter gave the transcript, in a real model process that has no Whisper model."""

import subprocess
import sys
from itertools import pairwise

import pytest
from clipmill.artifacts import documents, layout
from clipmill.artifacts.given_transcripts import read_transcript
from clipmill.artifacts.store import MissingArtifact, open_store
from clipmill.contracts.documents import Transcript
from clipmill.contracts.events import Log, StageFinished, StageStarted
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import TranscribeTask
from clipmill.operations.child import Limits
from clipmill.operations.settings import CommonSettings
from clipmill.transcriber.handler import TranscribeHandler, engine_request
from clipmill.transcriber.models.model_processes import ModelProcesses
from clipmill.transcriber.settings import TranscriberSettings
from clipmill.transcriber.speech_request import SpeechResult
from prometheus_client import REGISTRY

pytestmark = [pytest.mark.media, pytest.mark.timeout(300)]

SUBTITLES = """1
00:00:53,600 --> 00:00:57,000
The wurst speech I ever saw

2
00:00:57,000 --> 00:00:59,000
was given by a boy of 12.

3
00:01:30,000 --> 00:01:31,000
Beyond the end.
"""

FRESH = """
import sys
from itertools import pairwise
from clipmill.contracts.documents import Segment, Transcript
from clipmill.transcriber.speech import transcribe
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest

given = Transcript(language="en", duration=3.0, segments=(Segment(text="Good evening.", start=1.0, end=3.0),))
engine = EngineRequest(model="no-such-model", models_dir=sys.argv[1])
request = SpeechRequest(engine=engine, store_url=sys.argv[1], key=sys.argv[2], duration=76.84, given=given)
result = transcribe(request, lambda _percent: None)
assert result.transcript.segments[0].text == "Good evening."
assert len(result.transcript.levels) == 77
print(sorted({"faster_whisper", "ctranslate2", "whisperx", "torch"} & sys.modules.keys()))
"""


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path.as_uri())


@pytest.fixture
async def handler(store, tmp_path):
    settings = TranscriberSettings(
        common=CommonSettings(store_url=tmp_path.as_uri(), models_dir=tmp_path / "models"), model="no-such-model"
    )
    async with ModelProcesses(Limits(), idle_seconds=60) as models:
        yield TranscribeHandler(store, settings, models)


async def task_with(store, sample, sample_facts, **options) -> TranscribeTask:
    """Return the task of a job with the bundled sample and the subtitles above."""
    task = TranscribeTask(job=new_job_id(), options=JobOptions(transcript=True, **options))
    await store.put_file(layout.source(task.job), sample)
    await documents.save_once(store, layout.media(task.job), sample_facts)
    await documents.save_once(store, layout.given_transcript(task.job), read_transcript(SUBTITLES.encode()))
    return task


async def test_the_given_text_is_used_and_nothing_is_recognised(handler, store, sample, sample_facts, context):
    task = await task_with(store, sample, sample_facts)
    counted = REGISTRY.get_sample_value("clipmill_transcribed_audio_seconds_total")

    await handler(task, context)

    transcript = await documents.load(store, layout.transcript(task.job), Transcript)
    assert [segment.text for segment in transcript.segments] == [
        "The wurst speech I ever saw was given by a boy of 12."
    ]
    words = [word for segment in transcript.segments for word in segment.words]
    assert {word.score for word in words} == {1.0}
    assert words[0].start == pytest.approx(53.65, abs=0.2)
    assert all(one.end <= other.start for one, other in pairwise(words))
    assert (transcript.duration, len(transcript.levels)) == (pytest.approx(76.84, abs=0.1), 77)
    assert max(transcript.levels) > -40
    assert len(transcript.sounds.laughter) == 154
    assert (transcript.engine.name, transcript.engine.model) == ("given", "")

    started, log, finished = context.events
    assert isinstance(started, StageStarted)
    assert started.line == "Using the submitted transcript..."
    assert isinstance(log, Log)
    assert log.line == "The submitted transcript goes on after the end of the video; cues left out: 1."
    assert isinstance(finished, StageFinished)
    assert finished.whisper_seconds == 0.0
    assert REGISTRY.get_sample_value("clipmill_transcribed_audio_seconds_total") == counted
    assert context.percents[-1] == 100


async def test_a_redelivered_task_says_again_that_nothing_was_recognised(handler, store, sample, sample_facts, context):
    task = await task_with(store, sample, sample_facts)
    await handler(task, context)
    context.events.clear()

    await handler(task, context)

    (finished,) = context.events
    assert (finished.seconds, finished.whisper_seconds) == (0.0, 0.0)


async def test_of_a_part_only_its_words_are_used_at_the_times_of_the_source(
    handler, store, sample, sample_facts, context
):
    task = await task_with(store, sample, sample_facts, start=57.0, end=65.0)

    await handler(task, context)

    transcript = await documents.load(store, layout.transcript(task.job), Transcript)
    assert [segment.text for segment in transcript.segments] == ["was given by a boy of 12."]
    assert (transcript.duration, len(transcript.levels)) == (8.0, 65)
    assert set(transcript.levels[:57]) == {-90}


async def test_a_given_transcript_that_is_gone_is_no_reason_to_recognise(handler, store, sample, sample_facts, context):
    task = await task_with(store, sample, sample_facts)
    await store.delete(layout.given_transcript(task.job))

    with pytest.raises(MissingArtifact):
        await handler(task, context)


def test_no_library_of_speech_is_loaded_for_it(tmp_path, sample):
    (tmp_path / "source").write_bytes(sample.read_bytes())
    ran = subprocess.run(
        [sys.executable, "-c", FRESH, tmp_path.as_uri(), "source"], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr


class Models:
    """Model processes that keep their request and hear nothing."""

    async def transcribe(self, request, on_progress):
        self.request = request
        return SpeechResult(transcript=Transcript(language="en", duration=1.0))


async def test_the_model_and_the_vocabulary_of_a_job_reach_the_model_process(store, sample, sample_facts, context):
    settings, models = TranscriberSettings(model="whisper-tiny.en"), Models()
    task = await task_with(store, sample, sample_facts)
    for options, model in (
        (JobOptions(model="small", vocabulary=("Ada",)), "small"),
        (JobOptions(), "whisper-tiny.en"),
    ):
        await store.delete(layout.transcript(task.job))
        job = TranscribeTask(job=task.job, options=options)
        await TranscribeHandler(store, settings, models)(job, context)
        assert models.request.engine == engine_request(settings, model)
        assert models.request.engine.model == model
        assert (models.request.vocabulary, models.request.given) == (options.vocabulary, None)
