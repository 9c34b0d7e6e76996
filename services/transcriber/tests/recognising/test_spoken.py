"""The words of several portions, in one or more languages."""

import pytest
from clipmill.contracts.source_range import SourceRange
from clipmill.transcriber.recognising.segments import group
from clipmill.transcriber.recognising.spoken import Spoken
from clipmill.transcriber.recognising.words import RawWord, tidy


def said(*texts, score=0.9):
    return [RawWord(text, 1.0 + number, 1.5 + number, score) for number, text in enumerate(texts)]


def test_words_of_portions_in_one_language_are_tidied_together():
    spoken = Spoken()
    spoken.add(0.0, "en", said(" one", " two"))
    spoken.add(600.0004, "en", said(" three"))

    expected = [*said(" one", " two"), *(word.later(600.0004) for word in said(" three"))]
    assert spoken.words(700.0) == tidy(expected, 700.0, "en")


def test_each_language_keeps_its_own_way_of_writing_when_the_language_changes():
    spoken = Spoken()
    spoken.add(0.0, "ja", said("こ", "ん", "に", "ち", "は"))
    spoken.add(600.0003, "en", said(" Good", " morn", "ing."))

    words = spoken.words(700.0)

    assert [timed.word.text for timed in words] == ["こ", "ん", "に", "ち", "は", "Good", "morning."]
    assert [(timed.word.start, timed.word.end) for timed in words[-2:]] == [(601.0, 601.5), (602.0, 603.5)]
    assert [segment.text for segment in group(words, [""] * len(words))] == ["こんにちは", "Good morning."]


def test_words_of_a_language_end_before_the_portion_in_another():
    spoken = Spoken()
    spoken.add(0.0, "de", [RawWord(" Ende", 599.5, 600.4, 0.9)])
    spoken.add(600.0, "en", [RawWord(" Start", 0.1, 0.5, 0.9)])
    first, second = spoken.words(700.0)
    assert first.word.end == 600.0
    assert second.word.start == 600.1


def test_the_certainty_is_that_of_the_recogniser_in_the_part_that_is_used():
    spoken = Spoken()
    assert spoken.certainty is None
    spoken.add(10.0, "en", said(" aaaa", " bbbb", score=0.99), said(" aaaa", " bbbb", score=0.25))
    spoken.add(20.0, "en", said(" cccc", score=0.99), said(" cccc", score=0.75))
    assert spoken.aligned
    assert spoken.certainty == pytest.approx(0.417)

    spoken.leave_out_all_but(SourceRange(112.0, 122.0), 100.0)

    assert spoken.certainty == pytest.approx(0.5)
