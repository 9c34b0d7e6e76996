"""YAMNet's front end, against numbers that are computed another way."""

import math
import tracemalloc

import numpy as np
import pytest
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.hearing.log_mel import (
    BANDS,
    HOP_SAMPLES,
    LOG_OFFSET,
    PATCH_HOP_SAMPLES,
    PATCH_SAMPLES,
    PIECE_SAMPLES,
    PatchStream,
    log_mel,
    mel_filters,
)


def tone(hertz, seconds=1.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def noise(samples, seed=1):
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def patches_of(*blocks):
    stream = PatchStream()
    found = [patches for block in blocks for patches in stream.add(block)]
    return np.concatenate([*found, *stream.finish(), np.zeros((0, 96, 64), np.float32)])


def centre(band):
    """Return the middle of a band in Hz by the formula with the decimal logarithm, another way to write HTK's scale."""
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (125, 7500))
    mel = low + (band + 1) * (high - low) / (BANDS + 1)
    return 700 * (10 ** (mel / 2595) - 1)


@pytest.mark.parametrize("band", range(0, BANDS, 7))
def test_a_pure_tone_in_the_middle_of_a_band_is_loudest_there(band):
    heard = log_mel(tone(centre(band))).mean(axis=0)
    assert heard.argmax() == band or heard[band] > heard.max() - 0.2  # low bands are narrower than the window's


def test_a_spectrum_is_the_sum_that_the_definition_says():
    sound = noise(400 + 2 * HOP_SAMPLES)
    frame = sound[HOP_SAMPLES : HOP_SAMPLES + 400].astype(np.float64)
    windowed = [value * math.sin(math.pi * at / 400) ** 2 for at, value in enumerate(frame)]  # periodic Hann
    powers = []
    for bin_number in range(257):
        turns = 2 * np.pi * bin_number * np.arange(400) / 512
        powers.append(math.hypot(float(windowed @ np.cos(turns)), float(windowed @ np.sin(turns))))
    for band in (0, 20, 63):
        mels = [2595 * math.log10(1 + number * RATE / 512 / 700) for number in range(257)]
        left, middle, right = (2595 * math.log10(1 + centre(band + step) / 700) for step in (-1, 0, 1))
        weights = [max(0.0, min((m - left) / (middle - left), (right - m) / (right - middle))) for m in mels]
        expected = math.log(sum(weight * power for weight, power in zip(weights, powers, strict=True)) + 0.001)
        assert log_mel(sound)[1, band] == pytest.approx(expected, abs=1e-3)


def test_nothing_below_125_or_above_7500_hz_is_heard():
    filters = mel_filters()
    hertz = np.arange(257) * RATE / 512
    assert not filters[(hertz <= 125) | (hertz >= 7500)].any()
    assert filters[(hertz > 200) & (hertz < 7400)].any(axis=1).all()


def test_silence_is_the_logarithm_of_the_offset():
    patches = patches_of(np.zeros(RATE, np.float32))
    assert patches == pytest.approx(math.log(LOG_OFFSET), abs=1e-5)


@pytest.mark.parametrize(
    ("samples", "patches"),
    [
        (0, 0),
        (1, 1),
        (PATCH_SAMPLES, 1),
        (PATCH_SAMPLES + 1, 2),
        (PATCH_SAMPLES + PATCH_HOP_SAMPLES, 2),
        (PATCH_SAMPLES + PATCH_HOP_SAMPLES + 1, 3),
    ],
)
def test_patches_reach_the_last_sample_and_no_further(samples, patches):
    assert patches_of(noise(samples)).shape == (patches, 96, 64)


def test_the_second_patch_begins_half_a_patch_later():
    sound = noise(PATCH_SAMPLES + PATCH_HOP_SAMPLES)
    first, second = patches_of(sound)
    assert np.array_equal(first[48:], second[:48])
    assert second == pytest.approx(log_mel(sound[PATCH_HOP_SAMPLES:]), abs=1e-5)


def test_the_size_of_the_blocks_does_not_matter():
    sound = noise(PIECE_SAMPLES + 3 * RATE)
    whole = patches_of(sound)
    cuts = [1, 100, 5000, 5001, 200_000, 400_000]
    assert patches_of(*np.split(sound, cuts)) == pytest.approx(whole, abs=1e-4)


def test_ten_minutes_in_one_block_take_little_memory_beside_the_block():
    block = noise(600 * RATE)
    stream = PatchStream()
    tracemalloc.start()
    count = sum(len(patches) for patches in stream.add(block))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 1 + (len(block) - PATCH_SAMPLES) // PATCH_HOP_SAMPLES
    assert peak < 60 << 20
