"""Real speech through the real models, in one model process for all tests because loading takes longest."""

import re
import shutil

import numpy as np
import pytest
import pytest_asyncio
from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import Transcript
from clipmill.contracts.events import StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import TranscribeTask
from clipmill.operations.child import Limits
from clipmill.operations.settings import CommonSettings
from clipmill.transcriber.handler import TranscribeHandler, engine_request
from clipmill.transcriber.models.model_processes import ModelProcesses
from clipmill.transcriber.settings import TranscriberSettings
from clipmill.transcriber.speech_request import SpeechRequest
from prometheus_client import REGISTRY

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600), pytest.mark.media]


@pytest.fixture(scope="module")
def directory(tmp_path_factory, sample):
    directory = tmp_path_factory.mktemp("store")
    shutil.copy(sample, directory / "sample.mp4")
    return directory


@pytest.fixture(scope="module")
def settings(directory):
    return TranscriberSettings(
        common=CommonSettings(store_url=directory.as_uri(), models_dir=directory / "models"),
        model="whisper-tiny.en",
        batch_size=2,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def models():
    async with ModelProcesses(Limits(), idle_seconds=600) as models:
        yield models


@pytest.fixture
def ask(settings, models):
    """Return a function that transcribes a file of the store."""

    async def ask(key, **options):
        request = SpeechRequest(
            engine=engine_request(settings), store_url=settings.common.store_url, key=key, **options
        )
        return await models.transcribe(request)

    return ask


def assert_in_order(transcript):
    previous = 0.0
    for segment in transcript.segments:
        for word in segment.words:
            assert previous <= word.start < word.end <= transcript.duration
            previous = word.end
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)


async def test_the_bundled_sample_becomes_a_transcript_with_words_in_their_places(
    directory, settings, models, sample, sample_facts, context
):
    store = open_store(directory.as_uri())
    task = TranscribeTask(job=new_job_id(), options=JobOptions())
    await put_sample(store, task, sample, sample_facts)
    counted = REGISTRY.get_sample_value("clipmill_transcribed_audio_seconds_total")

    await TranscribeHandler(store, settings, models)(task, context)

    transcript = await documents.load(store, layout.transcript(task.job), Transcript)
    assert transcript.language == "en"
    assert transcript.duration == pytest.approx(76.84, abs=0.1)
    assert (transcript.engine.name, transcript.engine.model) == ("faster-whisper", "whisper-tiny.en")
    assert_in_order(transcript)
    said = " ".join(segment.text for segment in transcript.segments).lower()
    for phrase in ("everything we read", "91 hours a year", "the boy without notes"):
        assert phrase in said
    sentences = [segment.text for segment in transcript.segments]
    assert "The worst speech I ever saw was given by a boy of 12." in sentences
    start = next(segment.start for segment in transcript.segments if segment.text.startswith("The worst speech"))
    assert start == pytest.approx(53.65, abs=0.2)

    assert [type(event) for event in context.events] == [StageStarted, StageFinished]
    assert context.events[-1].stage is Stage.TRANSCRIBE
    assert context.events[-1].whisper_seconds == transcript.duration
    assert REGISTRY.get_sample_value("clipmill_transcribed_audio_seconds_total") - counted == transcript.duration
    assert len(set(context.percents)) >= 3
    assert context.percents == sorted(context.percents)
    assert context.percents[-1] == 100


async def test_of_a_part_only_its_words_are_recognised_at_the_times_of_the_source(
    directory, settings, models, sample, sample_facts, context
):
    store = open_store(directory.as_uri())
    task = TranscribeTask(job=new_job_id(), options=JobOptions(start=53.2, end=64.5))
    await put_sample(store, task, sample, sample_facts)
    counted = REGISTRY.get_sample_value("clipmill_transcribed_audio_seconds_total")

    await TranscribeHandler(store, settings, models)(task, context)

    transcript = await documents.load(store, layout.transcript(task.job), Transcript)
    words = [word for segment in transcript.segments for word in segment.words]
    assert transcript.segments[0].text == "The worst speech I ever saw was given by a boy of 12."
    assert words[0].start == pytest.approx(53.65, abs=0.2)
    assert all(53.2 <= word.start < word.end <= 64.5 for word in words)
    assert words[-1].end > 60
    assert transcript.duration == pytest.approx(11.3, abs=0.01)
    assert context.events[-1].whisper_seconds == transcript.duration
    assert REGISTRY.get_sample_value("clipmill_transcribed_audio_seconds_total") - counted == pytest.approx(
        11.3, abs=0.01
    )
    assert (len(transcript.levels), set(transcript.levels[:53])) == (65, {-90})
    assert min(transcript.levels[54:64]) > -60
    assert context.percents == sorted(context.percents)
    assert context.percents[-1] == 100


async def test_a_part_that_begins_within_a_word_loses_no_other_word(ask, directory):
    """Whisper missed a window of 22 seconds that began so; now it hears more, and the words before are left out."""
    transcript = (await ask("sample.mp4", duration=76.84, start=30.5, end=62.0)).transcript

    words = [word for segment in transcript.segments for word in segment.words]
    assert 30.5 <= words[0].start < 31.3
    assert words[-1].end <= 62.0
    said = " ".join(word.text for word in words).lower()
    for phrase in ("91 hours a year", "the same chair", "the worst speech", "the wind took them all"):
        assert phrase in said
    assert "a number that" not in said


@pytest.mark.parametrize(("end", "last"), [(36.6, "work,"), (58.84, "people,"), (63.41, "time,")])
async def test_a_part_that_ends_within_a_sentence_does_not_end_with_a_full_stop(ask, directory, end, last):
    """The recogniser hears how the sentence goes on; otherwise it closes the clause as if it were a sentence."""
    transcript = (await ask("sample.mp4", duration=76.84, start=end - 15, end=end)).transcript

    assert transcript.segments[-1].words[-1].text == last
    assert transcript.segments[-1].end <= end


async def put_sample(store, task, sample, sample_facts):
    """Store the bundled sample as the source of a job, with its facts."""
    await store.put_file(layout.source(task.job), sample)
    await documents.save_once(store, layout.media(task.job), sample_facts)


async def test_for_a_language_that_the_model_does_not_know_another_model_is_taken(ask):
    part = {"duration": 76.84, "start": 53.2, "end": 58.0}
    german = await ask("sample.mp4", language="de", **part)

    assert (german.transcript.language, german.transcript.engine.model) == ("de", "whisper-base")
    assert german.transcript.segments
    assert german.model_reason == ('whisper-base recognised the speech because whisper-tiny.en does not know "de".')
    assert german.language_problem == ""
    english = await ask("sample.mp4", **part)
    assert (english.transcript.engine.model, english.model_reason) == ("whisper-tiny.en", "")


async def test_a_language_that_no_model_knows_gives_no_words_but_levels_and_sounds(ask):
    result = await ask("sample.mp4", language="eo", duration=76.84, start=53.2, end=58.0)

    transcript = result.transcript
    assert (transcript.language, transcript.segments) == ("eo", ())
    assert max(transcript.levels) > -40
    assert max(transcript.sounds.music) > 0
    assert result.language_problem == (
        'whisper-tiny.en knows only English, and no other model on this machine knows "eo".'
    )


async def test_silence_and_noise_give_an_empty_transcript(directory, make_media, ask):
    noise = np.random.default_rng(1).standard_normal(8 * 16_000) * 0.02
    for name, sound in (("silence", np.zeros(8 * 16_000)), ("noise", noise)):
        make_media(directory / f"{name}.mp4", picture=8.0, sound=sound, rate=16_000, layout="mono")
        transcript = (await ask(f"{name}.mp4")).transcript

        assert (transcript.language, transcript.segments) == ("", ())
        assert transcript.duration == pytest.approx(8.0, abs=0.1)


async def test_a_media_file_that_cannot_be_read_is_refused(directory, ask):
    (directory / "broken.mp4").write_text("not a video")

    with pytest.raises(Permanent) as failure:
        await ask("broken.mp4")

    assert failure.value.code is ErrorCode.UNREADABLE_MEDIA


async def test_late_sound_gives_late_words(corpus, directory, ask):
    shutil.copy(corpus / "edge" / "late_audio.mp4", directory / "late.mp4")

    transcript = (await ask("late.mp4")).transcript

    assert_in_order(transcript)
    assert transcript.segments[0].start == pytest.approx(1.9, abs=0.1)
    assert re.search(r"number,? (42|forty.two)", " ".join(segment.text for segment in transcript.segments))
