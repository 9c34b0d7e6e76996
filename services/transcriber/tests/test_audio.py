import io

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


def hum(seconds, rate=16_000):
    """Return a tone that is higher in each second, so that every moment differs and a millisecond does not matter."""
    time = np.arange(int(seconds * rate)) / rate
    return 0.4 * np.sin(2 * np.pi * np.cumsum(60 + 2 * np.floor(time)) / rate)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "pcm_s16le"), ("b.mkv", "libopus")])
def test_a_part_is_what_the_whole_has_there(tmp_path, make_media, name, codec):
    rate = 48_000 if codec == "libopus" else 16_000
    path = make_media(tmp_path / name, picture=40.0, sound=hum(40.0, rate), rate=rate, codec=codec)
    whole = read(path)

    for start, end in ((0.0, 7.5), (1.25, 9.0), (17.125, 23.062), (30.0, None)):
        with path.open("rb") as file:
            part = np.concatenate(list(read_sound(file, start=start, end=end)))
        expected = whole[round(start * RATE) :][: None if end is None else round((end - start) * RATE)]
        assert len(part) == pytest.approx(len(expected), abs=RATE // 500)
        length = min(len(part), len(expected))
        assert np.corrcoef(part[:length], expected[:length])[0, 1] > 0.97, (start, end)


def test_a_part_beyond_the_sound_has_no_samples(tmp_path, make_media):
    path = make_media(tmp_path / "a.mp4", picture=30.0, sound=hum(10.0), rate=16_000)
    with path.open("rb") as file:
        assert list(read_sound(file, start=20.0, end=28.0)) == []


def test_sound_that_begins_within_a_part_is_preceded_by_silence(tmp_path, make_media):
    path = make_media(tmp_path / "a.mp4", picture=40.0, sound=beep(at=0.0), sound_at=20.0)
    with path.open("rb") as file:
        assert onset(np.concatenate(list(read_sound(file, start=15.5, end=30.0)))) == pytest.approx(4.5, abs=0.03)


def test_blocks_of_a_part_end_on_whole_seconds_of_the_source(tmp_path, make_media):
    path = make_media(tmp_path / "a.mp4", picture=20.0, sound=hum(20.0), rate=16_000)
    with path.open("rb") as file:
        blocks = list(read_sound(file, block=4 * RATE, start=5.75, end=15.0))
    assert [len(block) / RATE for block in blocks] == [3.25, 4.0, 2.0]


class Counting(io.FileIO):
    """A file that counts the bytes that are read."""

    total = 0

    def read(self, size=-1):
        content = super().read(size)
        self.total += len(content)
        return content


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_of_a_long_source_only_the_part_is_read(tmp_path, make_media, name):
    once = make_media(tmp_path / f"once-{name}", picture=120.0, sound=hum(120.0, 48_000))
    path = interleaved(once, tmp_path / name)
    with Counting(path) as file:
        samples = np.concatenate(list(read_sound(file, start=60.0, end=64.0)))
        assert len(samples) == pytest.approx(4 * RATE, abs=RATE // 500)
        assert file.total < path.stat().st_size / 3


def interleaved(path, copy):
    """Copy a file so that its sound and its picture are stored together, as in a source."""
    with av.open(str(path)) as container, av.open(str(copy), "w") as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in container.streams}
        packets = [packet for packet in container.demux() if packet.dts is not None]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            packet.stream = copies[packet.stream.index]
            output.mux(packet)
    return copy


def test_a_part_of_sound_that_is_stored_before_its_picture_is_found(tmp_path, make_media):
    path = make_media(
        tmp_path / "a.mkv", picture=60.0, sound=hum(60.0), rate=16_000, codec="pcm_s16le", sound_first=True
    )
    with path.open("rb") as file:
        part = np.concatenate(list(read_sound(file, start=30.0, end=36.0)))
    assert np.corrcoef(part, read(path)[30 * RATE : 36 * RATE])[0, 1] > 0.97
