"""Sequences of windows: how windows are joined, words divided among them, and hearings compared."""

import pytest
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.sequences import (
    SEQUENCE_SECONDS,
    certainty,
    divide,
    sequences,
    without_long_pauses,
)
from clipmill.transcriber.recognising.words import RawWord


def test_sequences_cover_all_windows_and_none_is_too_long():
    windows = [SpeechRegion(start, start + 28.0) for start in range(0, 600, 30)]

    found = sequences(windows)

    assert [number for first, after in found for number in range(first, after)] == list(range(len(windows)))
    assert len(found) > 1
    for first, after in found:
        assert windows[after - 1].end - windows[first].start <= SEQUENCE_SECONDS


def test_no_windows_are_no_sequence():
    assert sequences([]) == []


def test_windows_are_joined_over_short_pauses_and_silence_stays_out():
    windows = [SpeechRegion(1.0, 29.0), SpeechRegion(31.5, 40.0), SpeechRegion(50.0, 60.0)]
    assert without_long_pauses(windows) == [SpeechRegion(1.0, 40.0), SpeechRegion(50.0, 60.0)]


def test_a_word_belongs_to_the_nearest_window():
    windows = [SpeechRegion(0.0, 10.0), SpeechRegion(12.0, 20.0)]
    words = [RawWord(f" {start}", start, start + 0.2, 0.9) for start in (9.0, 10.5, 11.5, 12.5, 21.0)]

    first, second = divide(words, windows)

    assert [word.text for word in first] == [" 9.0", " 10.5"]
    assert [word.text for word in second] == [" 11.5", " 12.5", " 21.0"]


def test_certainty_is_the_mean_score_of_letters():
    assert certainty([RawWord(" abc", 0.0, 1.0, 0.9), RawWord(" d,", 1.0, 2.0, 0.1)]) == pytest.approx(0.7)
    assert certainty([]) == 0.0


def test_a_loop_is_no_surer_than_its_first_round():
    once = [RawWord(text, 0.0, 1.0, score) for text, score in ((" the", 0.2), (" end", 0.3), (" of", 0.4))]
    surer = [word._replace(score=0.9) for word in once] * 20

    assert certainty(once + surer) < 0.6
