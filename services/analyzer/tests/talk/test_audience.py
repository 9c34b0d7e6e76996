"""The learned model of audiences: what it reads, what it knows, and that it says when it does not know."""

import io
from importlib.resources import files

import numpy as np
import pytest
from clipmill.analyzer.talk.audience import (
    BUNDLED,
    NUMBERS,
    Audience,
    audience_from,
    bundled,
    contrast,
    numbers_of,
    understands,
    word_features,
)

ENGLISH = ["So I asked my daughter what she wants to be.", "She said she wants to be a truck.", "I am still proud."]
GERMAN = ["Ich habe meine Tochter gefragt, was sie werden will.", "Sie sagte, sie wolle ein Lastwagen werden."]


def stored(**parts):
    """Return the bytes of a data file; a part that is None is left out."""
    whole = {
        "vocabulary": np.frombuffer(b"truck\np:asked", dtype=np.uint8),
        "weights": np.array([100, -50], np.int8),
        "scale": np.float64(0.1),
        "numbers": np.zeros(NUMBERS, np.float32),
        "bias": np.float64(-3.0),
        **parts,
    }
    data = io.BytesIO()
    np.savez_compressed(data, **{name: value for name, value in whole.items() if value is not None})
    return data.getvalue()


def test_a_known_word_raises_the_chance_of_its_sentence_alone():
    chances = Audience.read(stored()).chances(["I bought it.", "It was a truck.", "I drove it."])
    base = 1 / (1 + np.exp(3.0))
    assert chances[0] == pytest.approx(base)
    assert chances[1] > 2 * base
    assert chances[2] == pytest.approx(base)


def test_a_word_of_the_sentence_before_is_a_feature_of_its_own():
    chances = Audience.read(stored()).chances(["I asked.", "It drove off."])
    assert chances[0] == pytest.approx(1 / (1 + np.exp(3.0)))
    assert chances[1] < chances[0]


def test_a_sentence_is_described_by_words_pairs_ends_and_neighbours():
    first, second, _ = word_features(["We laughed.", "Why not?", "Because."])
    assert {"why", "why not", "e:not ?", "p:laughed", "p:we laughed", "n:because", "L1", "P1"} <= set(second)
    assert not any(feature.startswith(("p:", "q:")) for feature in first)


def test_long_sentences_weigh_no_more_than_short_ones():
    once = Audience.read(stored()).chances(["truck"])[0]
    diluted = Audience.read(stored()).chances(["a truck is a thing that people drive on a road"])[0]
    assert diluted < once


def test_the_bundled_model_is_small_and_prefers_a_joke_to_a_greeting():
    model = bundled()
    dull = ["The committee meets in room four.", "The agenda lists nine items.", "The minutes were sent by mail."]
    joke, plain = model.chances(ENGLISH).max(), model.chances(dull).max()
    assert joke > plain


def test_the_bundled_file_is_at_most_a_megabyte_and_holds_no_long_text():

    data = files("clipmill.analyzer.talk").joinpath(BUNDLED).read_bytes()
    assert len(data) <= 1_000_000
    with np.load(io.BytesIO(data)) as parts:
        names = bytes(parts["vocabulary"]).decode().split("\n")
    assert max(len(name.split()) for name in names) <= 2


@pytest.mark.parametrize(
    ("texts", "language", "known"),
    [
        (ENGLISH, "en", True),
        (ENGLISH, "", True),
        (GERMAN, "de", False),
        (GERMAN, "en", False),
        (["12", "..."], "en", False),
        ([], "en", False),
    ],
)
def test_it_knows_english_by_its_words_and_not_by_the_label_alone(texts, language, known):
    assert understands(texts, language) is known


def test_the_contrast_counts_the_doublings_between_passages():
    seconds = [10.0] * 40
    rare, common = np.full(20, 0.01), np.full(20, 0.04)
    assert contrast(np.full(40, 0.01), seconds) == pytest.approx(0)
    assert contrast(np.concatenate((rare, common)), seconds) == pytest.approx(1, abs=0.05)
    assert contrast(2 * np.concatenate((rare, common)), seconds) == pytest.approx(1, abs=0.05)


def test_one_likely_sentence_counts_in_the_passages_that_hold_it_and_brief_ones_are_joined():
    chances = np.full(60, 0.01)
    chances[30] = 0.5
    brief, long = contrast(chances, [2.0] * 60), contrast(chances, [20.0] * 60)
    assert brief > long > 0.5


@pytest.mark.parametrize("count", [0, 1, 2])
def test_speech_too_short_to_compare_passages_has_no_contrast(count):
    assert contrast(np.linspace(0.1, 0.9, count), [10.0] * count) == 0


def test_numbers_of_no_sentences_are_an_empty_table():
    assert numbers_of([]).shape == (0, NUMBERS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"not a model",
        stored(bias=None),
        stored(weights=np.array([1], np.int8)),
        stored(numbers=np.zeros(2, np.float32)),
        stored(bias=np.float64("nan")),
    ],
    ids=["empty", "cut", "text", "no bias", "too few weights", "too few numbers", "not a number"],
)
def test_a_file_that_holds_no_model_is_refused_with_a_sentence(data, tmp_path):
    file = tmp_path / "weights.npz"
    file.write_bytes(data)
    with pytest.raises(ValueError, match="does not hold a model of audiences"):
        audience_from(file)
