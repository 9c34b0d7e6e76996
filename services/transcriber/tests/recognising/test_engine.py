"""The engine, in this process: sound in blocks, and failures inside the models."""

import difflib
import errno
import math
import os
import re
import threading

import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.transcriber.hearing.audio import RATE, read_sound
from clipmill.transcriber.models.device import Placement
from clipmill.transcriber.models.weights import Weights
from clipmill.transcriber.recognising.alignment import AlignmentUnavailable
from clipmill.transcriber.recognising.batches import Batches
from clipmill.transcriber.recognising.recognition import Recogniser

pytestmark = [
    pytest.mark.media,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the model libraries' own
]

SECONDS = 36


@pytest.fixture(scope="module")
def engine(make_engine):
    return make_engine()


@pytest.fixture(scope="module")
def whole(engine, samples):
    """Return the transcript of `samples`, recognised in one block."""
    return transcribe(engine, samples).transcript


def transcribe(engine, *blocks, report=lambda share: None, start=0.0):
    return engine.transcribe(iter(blocks), None, sum(map(len, blocks)) / RATE, report, start=start)


def words_of(transcript):
    return [word for segment in transcript.segments for word in segment.words]


def plain(transcript, until=math.inf):
    return [re.sub(r"\W", "", word.text).lower() for word in words_of(transcript) if word.end <= until]


def test_sound_in_blocks_is_heard_as_well_as_in_one_piece(engine, samples, whole):
    shares = []
    blocks = [samples[start : start + 15 * RATE] for start in range(0, len(samples), 15 * RATE)]

    transcript = transcribe(engine, *blocks, report=shares.append).transcript

    same = difflib.SequenceMatcher(None, plain(whole), plain(transcript), autojunk=False)
    assert same.ratio() > 0.97
    for one, other, length in same.get_matching_blocks():
        for word, again in zip(
            words_of(whole)[one : one + length], words_of(transcript)[other : other + length], strict=True
        ):
            assert again.start == pytest.approx(word.start, abs=0.4)
    assert (transcript.duration, transcript.levels) == (whole.duration, whole.levels)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_each_second_has_its_level(whole):
    assert len(whole.levels) == SECONDS
    assert -40 < max(whole.levels) < -5


def test_a_part_of_a_source_has_the_times_and_seconds_of_the_source(engine, samples, whole):
    shares = []

    transcript = transcribe(engine, samples, report=shares.append, start=3600.25).transcript

    assert plain(transcript) == plain(whole)
    for word, same in zip(words_of(transcript), words_of(whole), strict=True):
        assert (word.start, word.end) == (
            pytest.approx(same.start + 3600.25, abs=0.001),
            pytest.approx(same.end + 3600.25, abs=0.001),
        )
    for segment in transcript.segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
    assert transcript.duration == whole.duration
    assert transcript.levels[:3600] == (-90,) * 3600
    assert len(transcript.levels) == 3600 + SECONDS + 1
    assert max(transcript.levels[3600:]) == pytest.approx(max(whole.levels), abs=2)
    assert shares[-1] == pytest.approx(1.0)


def test_words_are_the_same_to_the_millisecond_however_many_workers_recognise_them(make_engine, samples):
    one, two = (transcribe(make_engine(threads=threads), samples) for threads in (1, 2))

    assert (one.batch_size, two.batch_size) == (1, 2)
    assert one.transcript == two.transcript
    assert words_of(one.transcript)


class Failing:
    """A wrapper of the batched pipeline that runs out of GPU memory."""

    def __init__(self, pipeline, fits):
        self._pipeline = pipeline
        self._fits = fits
        self.sizes = []

    def transcribe(self, *arguments, batch_size, **options):
        self.sizes.append(batch_size)
        if batch_size > self._fits:
            raise RuntimeError("CUDA failed with error out of memory")
        return self._pipeline.transcribe(*arguments, batch_size=batch_size, **options)


def as_on_a_gpu(recogniser, fits):
    """Make a recogniser take two windows at once, in one batch as on a GPU, whose memory holds `fits`."""
    failing = Failing(recogniser._new_pipeline(), fits)
    recogniser._new_pipeline = lambda: failing
    recogniser.batches = Batches(2)
    return failing


def test_when_a_gpus_memory_runs_out_batches_are_halved_and_nothing_is_lost(make_engine, samples, whole):
    engine = make_engine()
    recogniser = engine._recognisers.chosen()
    failing = as_on_a_gpu(recogniser, fits=1)

    result = transcribe(engine, samples)

    first, *others = failing.sizes
    assert first == 2
    assert len(others) >= 2
    assert set(others) == {1}
    assert (result.batch_size, result.batch_reduced) == (1, True)
    assert difflib.SequenceMatcher(None, plain(whole), plain(result.transcript), autojunk=False).ratio() > 0.97


def test_a_model_that_does_not_fit_at_all_is_a_failure_that_may_pass(make_engine, samples):
    engine = make_engine()
    as_on_a_gpu(engine._recognisers.chosen(), fits=0)

    with pytest.raises(Transient) as failure:
        transcribe(engine, samples)

    assert failure.value.code is ErrorCode.OUT_OF_MEMORY


def test_memory_that_runs_out_in_the_second_hearing_is_reported_and_remembered(make_engine, samples, monkeypatch):
    engine = make_engine(threads=2)
    recogniser = engine._recognisers.chosen()
    monkeypatch.setattr(Recogniser, "_is_hard", lambda *_: True)
    monkeypatch.setattr("clipmill.transcriber.recognising.recognition.sequences", lambda windows: [(0, 1), (1, 2)])
    memory, failures = threading.Lock(), []
    refused = threading.Event()

    def hear(recogniser, speech, windows, heard):
        if not memory.acquire(blocking=False):
            failures.append(windows)
            refused.set()
            raise MemoryError
        try:
            refused.wait(60)  # the first worker holds the memory until the second was refused
            return heard[0]
        finally:
            memory.release()

    monkeypatch.setattr(Recogniser, "_hear_in_sequence", hear)

    results = [transcribe(engine, samples) for _ in range(2)]

    assert len(failures) == 1
    assert {(result.batch_reduced, result.batch_size, result.sequences) for result in results} == {(True, 2, 1)}
    assert recogniser.sequences.workers == 1
    assert all(result.transcript.segments for result in results)


class Circling:
    """A wrapper of the batched pipeline that repeats the first words of the first window."""

    def __init__(self, pipeline):
        self._pipeline = pipeline

    def transcribe(self, *arguments, **options):
        segments, info = self._pipeline.transcribe(*arguments, **options)
        first, *others = segments
        circling = [word for word in first.words[:2] for _ in range(40)]
        first.words, first.text = circling, "".join(word.word for word in circling)
        return [first, *others], info


def test_a_window_that_went_in_circles_is_heard_again(make_engine, samples, whole):
    engine = make_engine()
    circling = Circling(engine._recognisers.chosen()._new_pipeline())
    engine._recognisers.chosen()._new_pipeline = lambda: circling

    result = transcribe(engine, samples[: 10 * RATE])

    assert result.heard_again > 0
    expected = plain(whole, until=10)
    assert difflib.SequenceMatcher(None, expected, plain(result.transcript), autojunk=False).ratio() > 0.9


@pytest.mark.parametrize("start", [0.0, 600.0])
def test_every_half_second_of_the_sound_gets_its_scores_beside_the_words(engine, samples, start):
    result = transcribe(engine, samples[: 5 * RATE], samples[5 * RATE : 8 * RATE], start=start)
    sounds = result.transcript.sounds
    assert result.sounds_problem == ""
    assert len(sounds.laughter) == len(sounds.singing) == 2 * (start + 8)
    assert set(sounds.music[: int(2 * start)]) <= {0}
    assert min(sounds.music[int(2 * start) :]) > 0


def test_without_the_sound_model_words_come_all_the_same_and_the_reason_is_reported(make_engine, samples, monkeypatch):
    monkeypatch.setattr("clipmill.transcriber.hearing.sound_model.MODEL", "no-such-model")
    result = transcribe(make_engine(), samples[: 5 * RATE])
    assert "no-such-model" in result.sounds_problem
    assert result.transcript.sounds is None
    assert result.transcript.segments
    assert result.transcript.levels


def test_without_a_diarization_model_speakers_stay_unnamed_and_the_reason_is_reported(make_engine, samples, tmp_path):
    engine = make_engine(diarize=True, models_dir=str(tmp_path))

    result = transcribe(engine, samples[: 5 * RATE])

    assert "HF_TOKEN" in result.speakers_problem
    assert {segment.speaker for segment in result.transcript.segments} == {""}


@pytest.mark.parametrize("start", [0.0, 600.0])
def test_speakers_are_distinguished_over_all_of_the_sound(make_engine, samples, level_diarization, start):
    engine = make_engine(diarize=True, models_dir=str(level_diarization))
    again = samples[: 5 * RATE] * 0.05  # the first words, as somebody far from the microphone says them
    shares = []

    result = transcribe(engine, samples[: 5 * RATE], again, report=shares.append, start=start)

    said = [(word, segment.speaker) for segment in result.transcript.segments for word in segment.words]
    assert {speaker for word, speaker in said if word.end < start + 4.5} == {"A"}
    assert {speaker for word, speaker in said if word.start > start + 5.5} == {"B"}
    assert result.speakers_problem == ""
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_words_are_aligned_where_an_alignment_model_of_the_language_is_on_this_machine(
    make_engine, corpus, models_dir_with_alignment
):
    with (corpus / "edge" / "plain_name.mp4").open("rb") as file:
        blocks = list(read_sound(file))

    result = transcribe(make_engine(models_dir=str(models_dir_with_alignment)), *blocks)

    assert result.transcript.engine.word_times == "alignment"
    assert result.alignment_problem == ""
    words = words_of(result.transcript)
    assert words[0].text == "This"
    previous = 0.0
    for word in words:
        assert previous <= word.start < word.end <= result.transcript.duration
        previous = word.end
    for segment in result.transcript.segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)


def test_aligned_words_keep_the_recognisers_certainty_of_the_whole(make_engine, samples, models_dir_with_alignment):
    plain = transcribe(make_engine(), samples[: 9 * RATE]).transcript
    aligned = transcribe(make_engine(models_dir=str(models_dir_with_alignment)), samples[: 9 * RATE]).transcript

    letters = [len(word.text.strip(".,?!")) for word in words_of(plain)]
    mean = sum(word.score * count for word, count in zip(words_of(plain), letters, strict=True)) / sum(letters)
    assert plain.engine.certainty is None
    assert aligned.engine.certainty == pytest.approx(mean, abs=0.02)
    assert aligned.engine.certainty > 0.7 > max(word.score for word in words_of(aligned)), "the model is untrained"


def test_a_transcript_without_words_names_no_alignment(make_engine, samples, models_dir_with_alignment):
    engine = make_engine(models_dir=str(models_dir_with_alignment))
    assert transcribe(engine, samples[: 5 * RATE]).transcript.engine.word_times == "alignment"
    silent = transcribe(engine, np.zeros(5 * RATE, np.float32)).transcript
    assert (silent.engine.name, silent.engine.word_times) == ("faster-whisper", "attention")


def test_a_language_that_no_model_knows_names_no_alignment_of_an_earlier_job(
    make_engine, samples, models_dir_with_alignment, monkeypatch
):
    engine = make_engine(models_dir=str(models_dir_with_alignment))
    monkeypatch.setattr("clipmill.transcriber.recognising.alignment.load_aligner", lambda *_: NoAligner())
    transcribe(engine, samples[: 5 * RATE])
    engine._aligners._loaded["xx"] = NoAligner()

    result = engine.transcribe(iter([samples[: 5 * RATE]]), "xx", 5.0, lambda share: None)

    assert result.language_problem
    assert result.transcript.engine.word_times == "attention"


class NoAligner:
    """An aligner that leaves all words as they are."""

    def align(self, passages, samples, on_share):
        return [word for passage in passages for word in passage.words]


def test_an_unreachable_hub_is_asked_for_an_aligner_once_in_a_task(make_engine, samples, monkeypatch):
    asked = []

    def load(language, *_):
        asked.append(language)
        raise AlignmentUnavailable("The hub is away.")

    monkeypatch.setattr("clipmill.transcriber.recognising.alignment.load_aligner", load)
    engine = make_engine()
    block = np.concatenate((samples[: 5 * RATE], np.zeros(5 * RATE, np.float32)))

    results = [transcribe(engine, block, block, block) for _ in range(2)]

    assert asked == ["en", "en"]
    assert {result.alignment_problem for result in results} == {"The hub is away."}
    assert all(result.transcript.engine.word_times == "attention" for result in results)


def test_weights_that_cannot_be_loaded_are_explained_as_people_write(offline_libraries, monkeypatch, tmp_path):
    from clipmill.transcriber.recognising import recognition  # as above

    def fail(place, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"{place}/model.bin")

    monkeypatch.setattr(recognition.faster_whisper, "WhisperModel", fail)
    with pytest.raises(Permanent) as caught:
        recognition._load(Weights("small", str(tmp_path), on_hub=False), Placement("cpu", "int8"), 1, 1)
    assert caught.value.sentence == (
        f"The Whisper model small cannot be loaded from {tmp_path} (Permission denied); "
        "fetch it again, or in CLIPMILL_TRANSCRIBER_MODEL, or CLIPMILL_GATEWAY_MODELS if the job chose the model, name "
        "another one."
    )
