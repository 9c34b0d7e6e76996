"""The engine, in this process: other languages than the model's own, and names that are likely to be said."""

import weakref
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.recognising import recognisers
from clipmill.transcriber.recognising.languages import Detection
from clipmill.transcriber.recognising.recognition import Recogniser

pytestmark = [
    pytest.mark.media,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the model libraries' own
]


def transcribe(engine, samples, **options):
    """Return the result for the first five seconds."""
    return engine.transcribe(iter([samples[: 5 * RATE]]), None, 5.0, lambda share: None, **options)


def said(transcript):
    return {word.text.strip(".,").lower() for segment in transcript.segments for word in segment.words}


def hear(monkeypatch, language, probability):
    """Let the English-only model be unsure, and the multilingual models detect a language in everything."""
    monkeypatch.setattr(Recogniser, "certainty_in", lambda *_: 0.5)
    monkeypatch.setattr(Recogniser, "detect", lambda *_: Detection(language, probability, 60.0))


def test_a_detected_language_that_an_english_model_does_not_know_is_recognised_by_another(
    make_engine, samples, monkeypatch
):
    engine = make_engine()
    chosen = weakref.ref(engine._recognisers.chosen())
    hear(monkeypatch, "de", 0.9)
    beside = []

    def load(weights, request):
        beside.append((weights.label, chosen() is not None))
        return Recogniser(weights, request)

    monkeypatch.setattr(recognisers, "Recogniser", load)

    result = transcribe(engine, samples)

    assert (result.transcript.language, result.transcript.engine.model) == ("de", "whisper-base")
    # The first one only detects, beside the chosen model; two that recognise would add up their memory.
    assert beside == [("whisper-base", True), ("whisper-base", False)]


def test_clear_english_is_known_by_its_words_which_are_heard_once(make_engine, samples, monkeypatch):
    engine, alone = make_engine(), make_engine().transcribe(iter([samples[: 9 * RATE]]), "en", 9.0, lambda share: None)
    monkeypatch.setattr(recognisers, "Recogniser", lambda *_: pytest.fail("another model was loaded"))
    heard = []
    first = Recogniser._hear_first

    def hear_first(recogniser, speech, batch):
        heard.extend(batch)
        return first(recogniser, speech, batch)

    monkeypatch.setattr(Recogniser, "_hear_first", hear_first)

    result = engine.transcribe(iter([samples[: 9 * RATE]]), None, 9.0, lambda share: None)

    assert result.transcript.segments == alone.transcript.segments
    assert len(heard) == len(set(heard)) > 0
    other = transcribe(engine, samples[9 * RATE :])
    assert said(other.transcript) != said(result.transcript)


def test_clear_words_in_a_second_of_speech_do_not_decide_for_what_follows(make_engine, samples, monkeypatch):
    clear = [1.0, 0.3]  # the words of the first portion, and of the second
    monkeypatch.setattr(Recogniser, "certainty_in", lambda *_: clear.pop(0))
    monkeypatch.setattr(Recogniser, "detect", lambda *_: Detection("de", 0.9, 60.0))
    quiet = np.zeros(10 * RATE, np.float32)

    result = make_engine().transcribe(
        iter([np.concatenate((samples[: 2 * RATE], quiet)), np.concatenate((samples[: 9 * RATE], quiet))]),
        None,
        31.0,
        lambda share: None,
    )

    assert clear == []
    assert (result.transcript.language, result.transcript.engine.model) == ("de", "whisper-base")
    assert min(word.start for segment in result.transcript.segments for word in segment.words) < 2.0
    assert max(word.end for segment in result.transcript.segments for word in segment.words) > 15.0


def test_a_language_that_no_model_knows_leaves_no_words_of_a_guess_before(make_engine, samples, monkeypatch):
    monkeypatch.setattr(recognisers, "multilingual_on_this_machine", lambda *_, **__: iter(()))
    found = [Detection("en", 0.9, 2.0), Detection("eo", 0.9, 60.0)]
    monkeypatch.setattr(recognisers.Recognisers, "detect", lambda *_: found.pop(0))
    quiet = np.zeros(5 * RATE, np.float32)
    block = np.concatenate((samples[: 5 * RATE], quiet))

    result = make_engine().transcribe(iter([block, block]), None, 20.0, lambda share: None)

    assert (result.transcript.language, result.transcript.segments) == ("eo", ())
    assert 'no other model on this machine knows "eo"' in result.language_problem


def test_a_language_that_is_only_guessed_is_not_followed(make_engine, samples, monkeypatch):
    hear(monkeypatch, "de", 0.4)

    result = transcribe(make_engine(), samples)

    assert (result.transcript.language, result.transcript.engine.model) == ("en", "whisper-tiny.en")


def test_an_english_model_alone_on_a_machine_recognises_english(make_engine, samples, monkeypatch):
    monkeypatch.setattr(recognisers, "multilingual_on_this_machine", lambda *_, **__: iter(()))
    hear(monkeypatch, "de", 0.9)

    result = transcribe(make_engine(), samples)

    assert (result.transcript.language, result.transcript.engine.model) == ("en", "whisper-tiny.en")
    assert result.transcript.segments


def test_a_language_that_no_model_on_a_machine_knows_gives_a_transcript_without_words(
    make_engine, samples, monkeypatch
):
    monkeypatch.setattr(recognisers, "multilingual_on_this_machine", lambda *_, **__: iter(()))
    shares = []

    result = make_engine().transcribe(iter([samples[: 5 * RATE]]), "de", 5.0, shares.append)

    assert (result.transcript.language, result.transcript.segments) == ("de", ())
    assert len(result.transcript.levels) == 5
    assert len(result.transcript.sounds.laughter) == 10
    assert result.transcript.engine.model == "whisper-tiny.en"
    assert "knows only English" in result.language_problem
    assert shares[-1] == pytest.approx(1.0)


def test_a_window_that_recites_the_vocabulary_is_heard_again_without_it(make_engine, samples):
    engine = make_engine()
    recogniser = engine._recognisers.chosen()
    names = ["Kelvorin", "Ysmaretta", "Drovintsky"]
    recite = recogniser._new_pipeline().transcribe

    def reciting(*arguments, **options):
        (first, *others), info = recite(*arguments, **options)
        for word, name in zip(first.words, names, strict=False):
            word.word = f" {name},"
        return [first, *others], info

    recogniser._new_pipeline = lambda: SimpleNamespace(transcribe=reciting)

    result = transcribe(engine, samples, vocabulary=names)

    assert result.heard_again > 0
    assert not {"kelvorin", "ysmaretta", "drovintsky"} & said(result.transcript)
    assert result.transcript.segments


def test_memory_that_runs_out_while_a_language_is_detected_is_a_failure_that_may_pass(make_engine, samples):
    engine = make_engine(model="whisper-base")

    def fail(**_):
        raise RuntimeError("std::bad_alloc")

    engine._recognisers.chosen()._model.detect_language = fail

    with pytest.raises(Transient) as failure:
        transcribe(engine, samples)

    assert failure.value.code is ErrorCode.OUT_OF_MEMORY


@pytest.mark.parametrize("token", ["<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>", "a <|transcribe|> b"])
def test_names_that_would_steer_the_model_do_not_reach_it(make_engine, token):
    recogniser = make_engine()._recognisers.chosen()

    assert recogniser.names_that_fit(["Kelvorin", token, "<| Drovintsky |>"]) == ("Kelvorin", "<| Drovintsky |>")


def test_names_reach_the_model_whole_and_as_many_as_its_prompt_takes(make_engine, samples):
    engine = make_engine()
    recogniser = engine._recognisers.chosen()
    names = [f"Quendoril {number}" for number in range(200)]
    heard_with = []

    def noting(pipeline, *arguments, hotwords, **options):
        heard_with.append(hotwords)
        return pipeline.transcribe(*arguments, hotwords=hotwords, **options)

    new_pipeline = recogniser._new_pipeline
    recogniser._new_pipeline = lambda: SimpleNamespace(transcribe=partial(noting, new_pipeline()))

    result = transcribe(engine, samples, vocabulary=names)

    (hotwords,) = set(heard_with)
    used = hotwords.split(", ")
    assert used == names[: len(used)]
    assert result.names_left_out == 200 - len(used) > 0
    tokens = [
        len(recogniser._model.hf_tokenizer.encode(" " + ", ".join(names[:count]), add_special_tokens=False).ids)
        for count in (len(used), len(used) + 1)
    ]
    assert tokens[0] <= 200 < tokens[1]
    assert result.transcript.segments
