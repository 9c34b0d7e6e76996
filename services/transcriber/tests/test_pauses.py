import numpy as np
import pytest
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.recognising.pauses import Pause, find_pauses, snap_to_pauses
from clipmill.transcriber.recognising.words import RawWord
from hypothesis import given
from hypothesis import strategies as st


def tones(*spans, seconds=3.0, noise=1e-4):
    time = np.arange(int(seconds * RATE)) / RATE
    sound = np.random.default_rng(1).standard_normal(len(time)) * noise
    for start, end in spans:
        on = (time >= start) & (time < end)
        sound[on] += 0.3 * np.sin(2 * np.pi * 300 * time[on])
    return sound.astype(np.float32)


def test_silences_between_sounds_are_found_to_a_hundredth_of_a_second():
    pauses = find_pauses(tones((0.5, 1.0), (1.3, 2.0), (2.05, 2.6)))

    assert np.allclose(pauses, [(0.0, 0.5), (1.0, 1.3), (2.6, 3.0)], atol=0.011)


def test_there_are_no_silences_in_noise_nor_in_no_sound():
    assert find_pauses(tones((0.5, 1.0), noise=0.2)) == []
    assert find_pauses(np.zeros(RATE, np.float32)) == []
    assert find_pauses(np.zeros(0, np.float32)) == []


def test_words_beside_a_pause_snap_to_its_edges():
    words = [RawWord(" one", 0.2, 1.15), RawWord(" two", 1.45, 2.0)]

    snapped = snap_to_pauses(words, [Pause(0.0, 0.5), Pause(1.0, 1.3)])

    assert [(word.start, word.end) for word in snapped] == [(0.48, 1.02), (1.28, 2.0)]


def test_a_pause_within_a_word_changes_nothing():
    words = [RawWord(" be", 0.0, 0.4), RawWord(" lunch", 0.4, 1.0)]

    assert snap_to_pauses(words, [Pause(0.65, 0.8)]) == words


def test_an_edge_far_from_every_pause_stays():
    words = [RawWord(" one", 0.0, 0.5), RawWord(" two", 4.0, 4.5)]

    assert snap_to_pauses(words, [Pause(1.8, 2.2)]) == words


@given(
    st.lists(st.floats(0, 20), max_size=20, unique=True).map(sorted),
    st.lists(st.floats(0, 20), max_size=20, unique=True).map(sorted),
)
def test_a_snapped_word_keeps_its_text_and_some_length(starts, edges):
    words = [RawWord(" word", start, start + 0.3) for start in starts]
    pauses = [Pause(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]

    snapped = snap_to_pauses(words, pauses)

    assert [word.text for word in snapped] == [word.text for word in words]
    assert all(word.end - word.start > 0 for word in snapped)


def test_a_word_without_times_is_left_alone():
    words = [RawWord(" 15"), RawWord(" minutes", 0.6, 1.0)]

    assert snap_to_pauses(words, [Pause(0.0, 0.5)])[0] == words[0]
    assert snap_to_pauses(words, [Pause(0.0, 0.5)])[1].start == pytest.approx(0.48)
