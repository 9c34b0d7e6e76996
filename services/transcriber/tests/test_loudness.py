import numpy as np
import pytest
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.hearing.loudness import Loudness


def sine(seconds, amplitude):
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def levels_of(*blocks):
    loudness = Loudness()
    passed = list(loudness.measure(blocks))
    assert [len(block) for block in passed] == [len(block) for block in blocks]
    return loudness.levels


def test_each_second_has_its_level_across_blocks():
    blocks = np.concatenate([sine(1, 1.0), sine(1, 0.1)]), np.concatenate([sine(1, 0.01), np.zeros(RATE, np.float32)])

    assert levels_of(*blocks) == [-3, -23, -43, -90]


def test_a_last_second_that_is_cut_short_counts_too():
    assert levels_of(sine(1.25, 0.1)) == [-23, -23]


def test_levels_of_a_part_stand_at_the_seconds_of_the_source():
    sound = np.concatenate([sine(0.75, 1.0), sine(1, 0.1), sine(0.5, 0.01)])
    loudness = Loudness(start=3.25)

    for _ in loudness.measure([sound[: round(1.75 * RATE)], sound[round(1.75 * RATE) :]]):
        pass

    assert loudness.levels == [-90, -90, -90, -3, -23, -43]


def test_a_part_within_one_second_has_one_level():
    loudness = Loudness(start=2.25)
    list(loudness.measure([sine(0.5, 1.0)]))
    assert loudness.levels == [-90, -90, -3]


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.full(RATE, 1e-9, np.float32)])
def test_no_sound_and_hardly_any_are_no_trouble(samples):
    assert levels_of(samples) in ([], [-90])
