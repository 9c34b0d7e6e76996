import av
import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.transcriber.hearing.audio import RATE, read_sound

pytestmark = pytest.mark.media


def beep(seconds=2.0, at=1.0, rate=48_000):
    """Return silence until `at`, then a tone."""
    time = np.arange(int(seconds * rate)) / rate
    return np.where(time >= at, 0.4 * np.sin(2 * np.pi * 440 * time), 0.0)


def onset(samples):
    return np.flatnonzero(np.abs(samples) > 0.05)[0] / RATE


def read(path, *arguments):
    with path.open("rb") as file:
        return np.concatenate([np.zeros(0, np.float32), *read_sound(file, *arguments)])


def test_sound_becomes_16_khz_mono_float(tmp_path, make_media):
    samples = read(make_media(tmp_path / "a.mp4", sound=beep()))

    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(2 * RATE, abs=RATE // 20)
    assert onset(samples) == pytest.approx(1.0, abs=0.01)
    assert 0.3 < np.abs(samples).max() < 0.6


def test_8_khz_mono_is_read_too(tmp_path, make_media):
    samples = read(make_media(tmp_path / "a.mp4", sound=beep(rate=8000), rate=8000, layout="mono"))

    assert onset(samples) == pytest.approx(1.0, abs=0.02)


def test_late_sound_is_preceded_by_silence(tmp_path, make_media):
    samples = read(make_media(tmp_path / "a.mp4", sound=beep(at=0.2), sound_at=1.5))

    assert onset(samples) == pytest.approx(1.7, abs=0.02)


def test_sound_from_before_the_first_picture_is_cut(tmp_path, make_media):
    samples = read(make_media(tmp_path / "a.mkv", sound=beep(), picture_at=0.6, codec="pcm_s16le"))

    assert onset(samples) == pytest.approx(0.4, abs=0.02)


def test_without_a_picture_the_first_sound_is_at_zero(tmp_path, make_media):
    samples = read(make_media(tmp_path / "a.mka", picture=None, sound=beep(), sound_at=3.0, codec="pcm_s16le"))

    assert onset(samples) == pytest.approx(1.0, abs=0.02)


def test_a_gap_in_the_time_stamps_becomes_silence(tmp_path, make_media):
    first = make_media(tmp_path / "gap.mkv", picture=4.0, sound=beep(at=0.0, seconds=1.0), codec="pcm_s16le")
    assert len(read(first)) == pytest.approx(RATE, abs=10)

    samples = read(with_gap(tmp_path / "gap2.mkv"))

    assert len(samples) == pytest.approx(3 * RATE, abs=10)
    assert np.abs(samples[int(1.1 * RATE) : int(1.9 * RATE)]).max() == 0.0
    assert np.abs(samples[int(2.1 * RATE) :]).max() > 0.3


def with_gap(path, seconds=(0, 2)):
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for second in seconds:
            samples = (beep(seconds=1.0, at=0.0, rate=16_000)[None, :] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, second * 16_000, Fraction(1, 16_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_video_without_sound_has_no_samples(tmp_path, make_media):
    assert len(read(make_media(tmp_path / "a.mp4"))) == 0


def test_a_file_that_is_not_media_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("This is not a video.")

    with pytest.raises(Permanent) as failure:
        read(path)

    assert failure.value.code is ErrorCode.UNREADABLE_MEDIA


def test_sound_comes_in_blocks_that_together_are_all_of_it(tmp_path, make_media):
    path = make_media(tmp_path / "a.mp4", sound=beep(seconds=2.3))
    whole = read(path)

    with path.open("rb") as file:
        blocks = list(read_sound(file, block=RATE))

    assert [len(block) for block in blocks[:-1]] == [RATE] * (len(whole) // RATE)
    assert np.array_equal(np.concatenate(blocks), whole)


def test_a_block_is_there_before_the_rest_is_read(tmp_path, make_media):
    path = make_media(tmp_path / "a.mkv", sound=beep(seconds=30.0), codec="pcm_s16le")

    with path.open("rb") as file:
        blocks = read_sound(file, block=RATE)
        next(blocks)
        assert file.tell() < path.stat().st_size / 2
        blocks.close()


def test_a_broken_time_stamp_far_behind_the_end_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "far.mkv"
    with_gap(path, seconds=(0, 40 * 3600))

    assert len(read(path, None, 3.0)) == pytest.approx(RATE, abs=10)


@pytest.mark.parametrize(
    ("name", "first_word_at"),
    [
        ("late_audio.mp4", 1.9),
        ("mpeg2_interlaced.ts", 0.4),
        ("vp9_opus.webm", 0.4),
        ("vfr.mkv", 0.4),
        ("audio_only.m4a", 0.4),
        ("mono_8k.mp4", 0.4),
        ("two_audio_tracks.mkv", 0.4),
    ],
)
def test_awkward_files_keep_their_times(corpus, name, first_word_at):
    samples = read(corpus / "edge" / name)

    assert np.flatnonzero(np.abs(samples) > 0.01)[0] / RATE == pytest.approx(first_word_at, abs=0.06)


def test_sound_is_read_with_decoders_that_log_nothing(tmp_path, make_media):
    """Importing torchvision turns on the decoders' log, and a decoder thread that logs can block forever."""
    path = make_media(tmp_path / "a.mp4", sound=beep())
    av.logging.set_level(av.logging.ERROR)
    with path.open("rb") as file:
        next(read_sound(file))
        assert av.logging.get_level() is None
