"""The choice of a gain, step by step, with powers and peaks whose loudness can be worked out by hand."""

import numpy as np
import pytest
from clipmill.renderer.audio import aac, soundtrack
from clipmill.renderer.audio.loudness import Loudness
from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.audio.soundtrack import ChosenGain, LimiterSetting, Soundtrack

RATE = 48000
SLOW, FAST = 0.06, 0.2


def steady(lufs, milliseconds=1000):
    """Return the K-weighted powers of a sound of constant loudness (BS.1770-4), both channels together."""
    return np.full(milliseconds, 10 ** ((lufs + 0.691) / 10))


LOW = np.full(1000, 0.001)
"""Peaks that no limiter touches."""


def chosen_gain(target, lufs, *settings, peaks=LOW):
    return soundtrack._chosen_gain(target, steady(lufs), peaks, settings, -2.0)


def test_gain_adds_to_loudness():
    assert soundtrack._lufs(6.0, steady(-20), LOW, LimiterSetting(40, SLOW), -2.0) == pytest.approx(-14)
    assert soundtrack._lufs(-6.0, steady(-20), LOW, LimiterSetting(40, SLOW), -2.0) == pytest.approx(-26)
    assert soundtrack._lufs(20.0, steady(-95), LOW, LimiterSetting(40, SLOW), -2.0) is None


def test_limited_peaks_hold_loudness_back():
    loud = np.full(1000, 0.5)  # -6.02 dB of full scale: 4.02 dB below the ceiling
    assert soundtrack._lufs(10.0, steady(-20), loud, LimiterSetting(40, SLOW), -2.0) == pytest.approx(
        -20 + 4.0206, abs=0.001
    )


@pytest.mark.parametrize(("lufs", "gain"), [(-20.5, 6.5), (-8.25, -5.75), (-14, 0), (-53, 39)])
def test_the_gain_is_found_to_a_hundredth(lufs, gain):
    found = soundtrack._gain_for(-14.0, steady(lufs), LOW, LimiterSetting(40, SLOW), -2.0)
    assert gain - 1e-9 <= found <= gain + 0.011


def test_the_gain_stays_within_its_setting():
    assert soundtrack._gain_for(-14.0, steady(-60), LOW, LimiterSetting(40, SLOW), -2.0) == 40
    assert soundtrack._gain_for(-14.0, np.zeros(1000), LOW, LimiterSetting(40, SLOW), -2.0) == 40
    assert soundtrack._gain_for(-14.0, steady(60), LOW, LimiterSetting(40, SLOW), -2.0) == pytest.approx(-60, abs=0.011)


def test_the_gentlest_setting_that_reaches_the_target_is_used():
    found = chosen_gain(-14.0, -20, LimiterSetting(40, SLOW), LimiterSetting(50, FAST))
    assert found == ChosenGain(pytest.approx(6, abs=0.011), SLOW, reached=True)
    found = chosen_gain(-14.0, -20, LimiterSetting(5, SLOW), LimiterSetting(10, FAST), LimiterSetting(40, FAST))
    assert found == ChosenGain(pytest.approx(6, abs=0.011), FAST, reached=True)


def test_if_no_setting_reaches_the_target_the_loudest_gets_only_useful_gain():
    found = chosen_gain(-14.0, -40, LimiterSetting(5, SLOW), LimiterSetting(10, FAST))
    assert found == ChosenGain(pytest.approx(9.8, abs=0.011), FAST, reached=False)


def test_a_gentler_setting_that_is_hardly_worse_is_used_instead():
    found = chosen_gain(-14.0, -40, LimiterSetting(10, SLOW), LimiterSetting(10.1, FAST))
    assert found == ChosenGain(pytest.approx(9.9, abs=0.011), SLOW, reached=False)


def test_a_single_setting_gets_its_full_gain():
    assert chosen_gain(-14.0, -40, LimiterSetting(10, SLOW)) == ChosenGain(10, SLOW, reached=False)


def test_silence_gets_the_full_gain_of_the_first_setting():
    nothing = np.zeros(1000)
    one = (LimiterSetting(0, SLOW),)
    assert soundtrack._chosen_gain(-14.0, nothing, nothing, one, -2.0) == ChosenGain(0, SLOW, reached=False)
    two = (LimiterSetting(3, SLOW), LimiterSetting(9, FAST))
    assert soundtrack._chosen_gain(-14.0, nothing, nothing, two, -2.0) == ChosenGain(3, SLOW, reached=False)


@pytest.mark.parametrize(
    ("quiet", "most"), [(-40.0, 40.0), (-50.0, 40.0), (-51.0, 21.0), (-70.0, 40.0), (-80.0, 50.0), (-100.0, 60.0)]
)
def test_how_far_sound_may_be_lifted_follows_from_the_noise_under_it(quiet, most):
    levels = np.linspace(quiet - 10, quiet + 90, 101)  # a tenth of them is below `quiet`
    settings = soundtrack._limiter_settings(levels)
    assert [setting.most_db for setting in settings] == pytest.approx([40.0, most, most, most])
    assert [setting.release_db_per_ms for setting in settings] == [0.06, 0.06, 0.2, 0.5]


def test_a_channel_that_is_40_db_below_the_other_has_no_microphone():
    def sides(left, right):
        return soundtrack._sides(np.array([[left, left], [right, right]]))

    assert sides(1.0, 1.0) == (0, 1)
    assert sides(0.0, 0.0) == (0, 1)
    assert sides(0.99e-4, 1.0) == (1, 1)
    assert sides(1.01e-4, 1.0) == (0, 1)
    assert sides(1.0, 0.99e-4) == (0, 0)
    assert sides(1.0, 1.01e-4) == (0, 1)
    assert sides(0.0, 1.0) == (1, 1)


def test_samples_that_are_no_numbers_are_silence_and_absurd_ones_are_clipped():
    odd = np.array([[np.nan, np.inf, -np.inf, 30.0, -30.0, 0.5]], np.float32)
    assert soundtrack._sane(odd).tolist() == [[0.0, 0.0, 0.0, 8.0, -8.0, 0.5]]


def sine(count):
    return np.stack([0.1 * np.sin(2 * np.pi * 1000 * np.arange(count) / RATE)] * 2).astype(np.float32)


def test_a_new_soundtrack_is_silence_and_its_file_is_closed_with_it(tmp_path):
    with Soundtrack(tmp_path, RATE) as new:
        assert isinstance(new, Soundtrack)
        assert (new.gain_db, new.loudness, len(new.levels_db)) == (0.0, Loudness(lufs=None, true_peak_dbtp=None), 0)
        assert not new._spool.closed
    assert new._spool.closed


@pytest.mark.parametrize("length", [RATE, RATE + 7, 3 * RATE // 2 + 48, 900])
def test_samples_are_what_was_laid_times_the_gains_and_the_fades(tmp_path, length):
    with Soundtrack(tmp_path, length) as track:
        track.lay(Sound(sine(length), 0.0))
        track.finish()
        track._spool.seek(0)
        laid = np.frombuffer(track._spool.read(), np.float32).reshape(-1, 2).T
        edges = -(-length // 48) + 1
        track._gains = 1 + np.random.default_rng(1).random(edges)
        out = np.concatenate(list(track.samples()), axis=1)
        places = np.arange(length)
        gains = np.interp(places, np.arange(edges) * 48, track._gains)
        far = np.minimum(places + 0.5, length - places - 0.5) / 480
        fades = np.where(far < 1, np.sin(np.pi / 2 * np.minimum(far, 1)) ** 2, 1.0)
    assert out.dtype == np.float32
    assert out.shape == laid.shape == (2, length)
    assert np.abs(out - laid * gains * fades).max() < 1e-7


def test_each_channel_is_read_from_the_side_that_has_a_microphone(tmp_path):
    only_left = sine(RATE) * np.array([[1.0], [0.0]], np.float32)
    with Soundtrack(tmp_path, RATE) as track:
        track.lay(Sound(only_left, 0.0))
        track.finish()
        track._gains = np.ones(1001)
        out = np.concatenate(list(track.samples()), axis=1)
    assert np.array_equal(out[0], out[1])
    assert np.abs(out[0]).max() == pytest.approx(0.1, rel=0.01)


def test_blocks_are_about_as_long_as_asked_for_and_miss_nothing(tmp_path):
    with Soundtrack(tmp_path, RATE) as track:
        packets = tuple(bytes([index]) for index in range(30))
        track._encoded = aac.Encoded(b"", packets)
        blocks = list(track.blocks(0.25))
        assert [len(block) for block in blocks] == [12, 12, 6]
        assert tuple(packet for block in blocks for packet in block) == packets
        assert [len(block) for block in track.blocks(0.0001)] == [1] * 30


def test_a_long_gap_is_worked_off_in_pieces(tmp_path):
    with Soundtrack(tmp_path, 20 * RATE) as track:
        sizes, note = [], track._note

        def noted(samples):
            sizes.append(samples.shape[1])
            note(samples)

        track._note = noted
        track.lay(Sound(sine(1000), 18.0))
        before = len(sizes)
        track.finish()
    assert before >= 30
    assert max(sizes) <= RATE
    assert sum(sizes) == 20 * RATE


@pytest.fixture
def rounds(tmp_path, monkeypatch):
    """Return a function that masters a sine with a fake meter and returns target and ceiling of each round."""

    def run(*said, level=1.0):
        meter, asked, lift = iter(said), [], soundtrack._chosen_gain

        def lifted(target, weighted, peaks, settings, ceiling):
            asked.append((pytest.approx(target), pytest.approx(ceiling)))
            return lift(target, weighted, peaks, settings, ceiling)

        with monkeypatch.context() as patch, Soundtrack(tmp_path, RATE) as track:
            patch.setattr(soundtrack, "_chosen_gain", lifted)
            patch.setattr(soundtrack, "measure", lambda blocks: next(meter))
            track.lay(Sound(level * sine(RATE), 0.0))
            track.finish()
            track.master()
        return asked

    return run


def loudness(lufs, peak=-3.0):
    return Loudness(lufs=lufs, true_peak_dbtp=peak)


def test_sound_that_came_out_right_is_mastered_once(rounds):
    assert rounds(loudness(-14.1)) == [(-14, -2)]
    assert rounds(loudness(-13.9, -1.1)) == [(-14, -2)]
    assert rounds(loudness(None, None)) == [(-14, -2)]


def test_sound_that_came_out_too_quiet_or_too_loud_is_aimed_higher_or_lower(rounds):
    assert rounds(loudness(-14.5), loudness(-14.0)) == [(-14, -2), (-13.5, -2)]
    assert rounds(loudness(-13.0), loudness(-14.3), loudness(-14)) == [(-14, -2), (-15, -2), (-14.7, -2)]


def test_peaks_that_were_too_high_lower_the_ceiling_by_as_much_and_a_tenth(rounds):
    assert rounds(loudness(-14.0, -0.8), loudness(-14.0)) == [(-14, -2), (-14, -2.4)]
    assert rounds(loudness(-14.4, -0.1), loudness(-14.0)) == [(-14, -2), (-13.6, -3.1)]


def test_five_rounds_are_enough(rounds):
    assert len(rounds(*[loudness(-15.0)] * 9)) == 5


def test_sound_that_cannot_be_lifted_enough_is_left_at_what_it_became(rounds):
    assert rounds(loudness(-20.0), level=0.0002) == [(-14, -2)]
    assert len(rounds(loudness(-13.0), loudness(-14.0), level=0.0002)) == 2
