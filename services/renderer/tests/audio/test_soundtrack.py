import tracemalloc

import numpy as np
import pytest
from clipmill.renderer.audio import aac
from clipmill.renderer.audio.loudness import integrated_lufs, measure
from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.audio.soundtrack import Soundtrack

pytestmark = pytest.mark.media

RATE = 48000


def seconds(count):
    return np.arange(round(count * RATE)) / RATE


def stereo(samples):
    return np.stack([samples] * 2).astype(np.float32)


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=round(count * RATE))


def speech(count, level=0.1):
    """Return noise of a voice's spectrum in syllables, words and pauses."""
    times = seconds(count)
    spectrum = np.fft.rfft(noise(count))
    frequencies = np.fft.rfftfreq(len(times), 1 / RATE)
    voice = np.fft.irfft(spectrum * (frequencies > 100) / (1 + (frequencies / 500) ** 2), len(times))
    syllables = np.maximum(0, np.sin(2 * np.pi * 4 * times)) ** 2
    return level * voice / voice.std() * syllables * (times % 2 < 1.5)


def clap(count, level):
    samples = speech(count, level)
    samples[RATE : RATE + 2400] += noise(0.05) * np.exp(-np.arange(2400) / 400)
    return samples


def drums(count):
    times = seconds(count)
    kick = np.sin(2 * np.pi * 60 * times) * np.exp(-12 * (times % 0.5))
    snare = noise(count) * np.exp(-30 * ((times + 0.25) % 0.5))
    return np.clip(2 * kick + snare + 0.5 * np.sign(np.sin(2 * np.pi * 220 * times)), -1, 1)


def snares(count):
    hits = np.sign(noise(count)) * np.exp(-32 * (seconds(count) % 0.42))
    return hits * (seconds(count) % 0.42 < 0.17)


def claps(count, level):
    since = seconds(count) % 0.5
    return np.clip(speech(count, level) + noise(count) * np.exp(-120 * since) * (since < 0.05), -1, 1)


def very_dynamic(count):
    samples = speech(count, 0.3)
    samples[: len(samples) // 2] *= 0.03
    return samples


MATERIAL = {
    "speech": speech(6),
    "quiet speech": speech(6, 0.006),
    "speech that is barely there": speech(6, 0.0007),
    "a snare and nothing else": snares(6),
    "claps all through quiet speech": claps(6, 0.01),
    "a clap in quiet speech": clap(6, 0.01),
    "loud, clipped music": drums(6),
    "white noise": noise(6),
    "a square wave": np.sign(np.sin(2 * np.pi * 100 * seconds(6))),
    "a sine": 0.01 * np.sin(2 * np.pi * 997 * seconds(6)),
    "a whisper, then a shout": very_dynamic(8),
    "a single second": speech(1),
}


@pytest.fixture
def finished(tmp_path):
    """Return a function that adds stereo samples to a soundtrack, 1000 at a time, and returns it mastered."""
    made = []

    def finish(samples, *, start=0.0, length=None, bitrate=128_000, **fades):
        soundtrack = Soundtrack(tmp_path, samples.shape[1] if length is None else length, bitrate, **fades)
        made.append(soundtrack)
        for begin in range(0, samples.shape[1], 1000):
            soundtrack.lay(Sound(samples[:, begin : begin + 1000], start + begin / RATE))
        soundtrack.finish()
        soundtrack.master()
        return soundtrack

    yield finish
    for soundtrack in made:
        soundtrack.__exit__(None, None, None)


def mastered(soundtrack):
    return np.concatenate(list(soundtrack.samples()), axis=1)


def heard(soundtrack):
    packets = [packet for block in soundtrack.blocks(0.25) for packet in block]
    return list(aac.decode(aac.Encoded(aac.encode([], 128_000).header, tuple(packets))))


@pytest.mark.parametrize("name", MATERIAL)
def test_any_sound_is_as_loud_as_platforms_play_it_and_its_peaks_are_safe_after_aac(finished, name):
    soundtrack = finished(stereo(MATERIAL[name]))
    loudness = measure(heard(soundtrack))
    assert loudness == soundtrack.loudness
    assert loudness.lufs == pytest.approx(-14, abs=0.5)
    assert loudness.true_peak_dbtp <= -1


def test_silence_stays_silence(finished):
    soundtrack = finished(np.zeros((2, RATE), np.float32))
    assert not mastered(soundtrack).any()
    assert (soundtrack.loudness.lufs, soundtrack.loudness.true_peak_dbtp, soundtrack.gain_db) == (None, None, 0)


def test_a_clip_without_any_sound_is_silent_to_its_end(finished):
    soundtrack = finished(np.zeros((2, 0), np.float32), length=RATE + 7)
    assert mastered(soundtrack).shape == (2, RATE + 7)
    assert len(soundtrack.levels_db) == 101
    assert sum(block.shape[1] for block in heard(soundtrack)) >= RATE + 7


def test_the_noise_of_a_room_is_not_made_louder(finished):
    samples = stereo(0.0004 * noise(3))
    soundtrack = finished(samples)
    assert soundtrack.gain_db == 0
    assert np.sqrt((mastered(soundtrack) ** 2).mean()) == pytest.approx(0.0004, rel=0.05)


def test_a_clap_does_not_make_a_room_loud(finished):
    samples = stereo(0.0004 * noise(6))
    samples[:, RATE : RATE + 2400] += stereo(noise(0.05) * np.exp(-np.arange(2400) / 400))
    out = mastered(finished(samples))
    assert np.sqrt((out[:, 2 * RATE :] ** 2).mean()) < 0.0005
    assert np.abs(out).max() > 0.5


def test_a_clap_that_echoes_does_not_make_a_room_loud(finished):
    since = np.maximum(0, seconds(10) - 1)
    echo = noise(10, 1) * (np.exp(-120 * since) + 0.2 * 10 ** (-3 * since / 0.6)) * (since > 0)
    soundtrack = finished(stereo(0.0004 * noise(10) + 0.5 * echo))
    assert soundtrack.gain_db == 0


@pytest.mark.parametrize("room", [0.0, 0.0004])
@pytest.mark.parametrize("lasting", [0.25, 0.9])
def test_a_short_utterance_is_lifted_however_long_nothing_else_is_heard(finished, room, lasting):
    times = seconds(20)
    tone = 0.15 * np.sin(2 * np.pi * 300 * times) * ((times > 8) & (times < 8 + lasting))
    soundtrack = finished(stereo(tone + room * noise(20)))
    assert soundtrack.loudness.lufs == pytest.approx(-14, abs=0.5)
    assert soundtrack.loudness.true_peak_dbtp <= -1


def test_a_room_that_swells_a_little_is_still_a_room(finished):
    times = seconds(20)
    swelling = 0.0024 * (1 + 0.8 * ((times > 8) & (times < 8.6)))
    assert finished(stereo(swelling * noise(20))).gain_db == 0


def test_the_noise_around_quiet_speech_is_not_made_loud(finished):
    pause = slice(round(1.6 * RATE), round(1.9 * RATE))
    out = mastered(finished(stereo(speech(6, 0.0015) + 0.0002 * noise(6))))
    assert 20 * np.log10(out[:, pause].std()) == pytest.approx(-30, abs=2)


def test_noise_between_claps_is_not_made_loud(finished):
    since = seconds(6) % 0.5
    hits = np.clip(noise(6) * np.exp(-120 * since) * (since < 0.05), -1, 1)
    out = mastered(finished(stereo(hits + 0.0004 * noise(6, 1))))
    assert 20 * np.log10(out[:, round(5.3 * RATE) : round(5.45 * RATE)].std()) < -29


def test_clicks_that_cannot_be_loud_are_not_lifted_in_vain(finished):
    samples = np.zeros((2, 4 * RATE), np.float32)
    samples[:, RATE // 2 :: RATE // 2] = 0.9
    assert finished(samples).gain_db < 10


def test_speech_is_mastered_once(finished, monkeypatch):
    encode, rounds = aac.encode, []
    monkeypatch.setattr(aac, "encode", lambda *arguments: rounds.append(1) or encode(*arguments))
    finished(stereo(speech(6)))
    assert len(rounds) == 1


def test_no_sample_is_moved(finished):
    samples = np.zeros((2, 2 * RATE), np.float32)
    places = [3001, 20000, 50001, 95000]
    samples[:, places] = 0.4, 0.9, 0.5, 0.1
    out = np.abs(mastered(finished(samples))[0])
    assert [int(place - 50 + np.argmax(out[place - 50 : place + 50])) for place in places] == places


def test_the_first_and_last_10_ms_fade(finished):
    out = mastered(finished(stereo(0.1 * np.sin(2 * np.pi * 1000 * seconds(1)))))
    envelope = np.abs(out[0]).reshape(-1, 48).max(axis=1)
    middle = envelope[500]
    assert envelope[0] < 0.05 * middle
    assert envelope[-1] < 0.05 * middle
    assert envelope[5] == pytest.approx(0.6 * middle, abs=0.12 * float(middle))
    assert envelope[11:-11] == pytest.approx(np.full(978, middle), rel=0.02)


def test_sound_comes_up_and_dies_away_as_slowly_as_a_clip_asks(finished):
    sound = stereo(0.1 * np.sin(2 * np.pi * 1000 * seconds(6)))
    soundtrack = finished(sound, fade_in=0.1, fade_out=2.0)
    envelope = np.abs(mastered(soundtrack)[0]).reshape(-1, 48).max(axis=1)
    middle = envelope[2000]
    assert envelope[100:4000] == pytest.approx(np.full(3900, middle), rel=0.02)
    assert envelope[[50, 5000]] == pytest.approx(np.full(2, middle / 2), rel=0.05)
    assert (np.diff(envelope[4000:]) <= 1e-3 * middle).all()
    assert envelope[-1] < 0.001 * middle
    assert soundtrack.loudness.lufs == pytest.approx(-14, abs=0.5)


def test_sound_is_placed_at_its_time_and_gaps_are_silent(finished):
    out = mastered(finished(stereo(0.3 * np.sin(2 * np.pi * 440 * seconds(1))), start=1.0, length=3 * RATE))
    assert not out[:, : RATE - 1].any()
    assert np.abs(out[:, RATE + 100 : RATE + 300]).max() > 0.01
    assert np.abs(out[:, 2 * RATE + 4800 :]).max() < 1e-3


def test_a_limited_peak_leaves_what_is_10_ms_before_it_alone(finished):
    samples = stereo(0.05 * np.sin(2 * np.pi * 440 * seconds(6)))
    samples[:, 3 * RATE : 3 * RATE + 240] += 0.9 * stereo(np.sin(2 * np.pi * 1000 * seconds(0.005)))
    soundtrack = finished(samples)
    out = mastered(soundtrack)
    before = slice(2 * RATE, 3 * RATE - 480)
    assert out[:, before].std() == pytest.approx(samples[:, before].std() * 10 ** (soundtrack.gain_db / 20), rel=0.001)
    assert np.abs(out).max() < 10 ** (-1.9 / 20)


def test_a_microphone_on_one_side_is_heard_on_both(finished):
    samples = stereo(speech(3))
    samples[0] = 0
    out = mastered(finished(samples))
    assert np.array_equal(out[0], out[1])
    assert out.any()


def test_two_sides_stay_two_sides(finished):
    samples = stereo(speech(3))
    samples[0] *= 0.2
    out = mastered(finished(samples))
    assert np.abs(out[0]).max() < 0.25 * np.abs(out[1]).max()


def test_an_offset_costs_no_level(finished):
    plain, shifted = (finished(stereo(speech(3) + offset)) for offset in (0.0, 0.4))
    assert shifted.gain_db == pytest.approx(plain.gain_db, abs=0.5)
    assert np.abs(mastered(shifted)[:, -RATE // 4 :].mean()) < 1e-3


def test_samples_of_broken_decoders_do_not_reach_the_clip(finished):
    samples = stereo(speech(3))
    samples[0, 5000], samples[1, 6000], samples[0, 7000], samples[1, 8000] = np.nan, np.inf, -np.inf, 1e30
    soundtrack = finished(samples)
    out = mastered(soundtrack)
    assert np.isfinite(out).all()
    assert soundtrack.loudness.lufs == pytest.approx(-14, abs=0.5)


def test_levels_are_the_rms_of_each_10_ms_of_the_source(finished):
    samples = stereo(0.1 * np.sin(2 * np.pi * 1000 * seconds(1)))
    samples[:, RATE // 2 :] = 0
    levels = finished(samples).levels_db
    assert len(levels) == 100
    assert levels[10:49] == pytest.approx(np.full(39, -23.01), abs=0.1)
    assert (levels[60:] < -100).all()


def test_our_gating_is_that_of_ffmpeg():
    times = seconds(8)
    samples = stereo(np.sin(2 * np.pi * 997 * times) * np.where(times < 4, 0.5, 0.01))
    power = (samples.astype(np.float64) ** 2).reshape(2, -1, 48).mean(axis=2).sum(axis=0) * 10 ** (0.691 / 10)
    assert integrated_lufs(power) == pytest.approx(measure([samples]).lufs, abs=0.05)


def test_memory_does_not_grow_with_the_clip_but_by_its_numbers(tmp_path):
    piece = stereo(0.1 * np.sin(2 * np.pi * 440 * seconds(1)))
    peaks = []
    for count in (5, 20):
        tracemalloc.start()
        with Soundtrack(tmp_path, count * RATE) as soundtrack:
            for index in range(count):
                soundtrack.lay(Sound(piece, float(index)))
            soundtrack.finish()
            soundtrack.master()
            for block in soundtrack.blocks(0.25):
                assert block
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    grown = (peaks[1] - peaks[0]) / 15
    assert grown < 0.25 * piece.nbytes


def test_nothing_is_left_in_the_directory(finished, tmp_path):
    finished(stereo(speech(1)))
    assert list(tmp_path.iterdir()) == []
