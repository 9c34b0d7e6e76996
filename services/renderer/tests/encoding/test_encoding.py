from fractions import Fraction

import av
import numpy as np
import pytest
from clipmill.contracts.options import OutputFormat
from clipmill.renderer.audio import aac
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.checking.verification import Expected, examine
from clipmill.renderer.encoding.encoder import Encoder, encoders
from clipmill.renderer.encoding.encoders import VideoFormat
from clipmill.renderer.quality import EncoderChoice, Quality, QualityLevel

pytestmark = pytest.mark.media

FAST = Quality(preset="ultrafast", encoder=EncoderChoice.X264, threads=2)
VERTICAL = CANVASES[OutputFormat.VERTICAL]


def write(path, *, canvas=VERTICAL, rate=Fraction(25), seconds=1.0, quality=FAST, title="", fail_at=None, noise=False):
    generator = np.random.default_rng(0)
    with Encoder(path, rate, canvas, quality, title) as encoder:
        encoder.sound(aac.encode([np.zeros((2, round(seconds * 48000)), np.float32)], quality.audio_bitrate).packets)
        for index in range(round(seconds * rate)):
            frame, picture = encoder.canvas()
            light = generator.integers(16, 235, picture.luma.shape, np.uint8) if noise else 60 + index
            picture.luma[:] = light
            picture.blue[:] = picture.red[:] = 128
            if index == fail_at:
                raise RuntimeError("in the middle")
            encoder.picture(frame)
    return path


def wrong(path, **expected):
    return {check.check for check in examine(path, Expected(**expected)) if not check.ok}


@pytest.mark.parametrize("shape", list(OutputFormat))
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60)])
def test_every_shape_at_any_rate_is_what_platforms_take(tmp_path, shape, rate):
    path = write(tmp_path / "clip.mp4", canvas=CANVASES[shape], rate=rate, seconds=0.5)
    assert wrong(path, seconds=0.5, output_format=shape) == set()


@pytest.mark.parametrize("level", list(QualityLevel))
def test_every_quality_is_what_platforms_take(tmp_path, level):
    quality = Quality(level=level, encoder=EncoderChoice.X264, threads=2)
    assert wrong(write(tmp_path / "clip.mp4", seconds=0.4, quality=quality)) == set()


def test_groups_are_closed_and_at_most_two_seconds_long(tmp_path):
    path = write(tmp_path / "clip.mp4", rate=Fraction(24), seconds=4.5)
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        keys = [packet.pts for packet in packets if packet.is_keyframe]
        base = packets[0].time_base
    assert max(np.diff(keys)) * base <= 2
    for key in keys:  # no picture after it, in the order of decoding, is shown before it
        position = next(index for index, packet in enumerate(packets) if packet.pts == key)
        assert all(packet.pts >= key for packet in packets[position:])


def test_noise_does_not_go_over_the_platforms_bit_rate(tmp_path):
    path = write(tmp_path / "clip.mp4", seconds=2.5, noise=True, quality=Quality(crf=1, preset="ultrafast", threads=2))
    assert path.stat().st_size * 8 / 2.5 < 25_000_000
    assert wrong(path) == set()


@pytest.mark.parametrize(
    ("shape", "rate", "level"),
    [
        (OutputFormat.VERTICAL, 30, "4.0"), (OutputFormat.VERTICAL, 50, "4.2"), (OutputFormat.SQUARE, 50, "4.0"),
        (OutputFormat.SQUARE, 60, "4.2"),
    ],
)  # fmt: skip
def test_the_level_is_the_lowest_that_holds_the_pictures(shape, rate, level):
    assert VideoFormat(CANVASES[shape].width, CANVASES[shape].height, Fraction(rate)).level == level


def test_the_title_is_all_that_the_file_reveals(tmp_path):
    title = "It's “big” — 🎬 👩‍👩‍👧\nsecond line\x00"
    path = write(tmp_path / "clip.mp4", seconds=0.2, title=title)
    assert wrong(path) == set()
    with av.open(path) as container:
        assert container.metadata["title"] == "It's “big” — 🎬 👩‍👩‍👧 second line"
    data = path.read_bytes()
    assert b"Lavf" not in data
    assert b"Lavc" not in data
    assert str(tmp_path).encode() not in data


def test_a_title_of_nothing_is_no_title(tmp_path):
    with av.open(write(tmp_path / "clip.mp4", seconds=0.2, title=" \n")) as container:
        assert "title" not in container.metadata


def test_the_file_is_complete_or_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="in the middle"):
        write(tmp_path / "clip.mp4", fail_at=20)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "clip.mp4", seconds=0.2)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_failure_leaves_the_file_that_was_there(tmp_path):
    path = write(tmp_path / "clip.mp4", seconds=0.2)
    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        write(path, fail_at=0)
    assert path.read_bytes() == before


def test_an_encoder_that_cannot_be_opened_leaves_nothing(tmp_path):
    with pytest.raises(av.error.FFmpegError):
        write(tmp_path / "clip.mp4", quality=Quality(preset="no such preset", encoder=EncoderChoice.X264))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_another_size_is_refused(tmp_path):
    with (
        pytest.raises(ValueError, match="does not fit"),
        Encoder(tmp_path / "clip.mp4", Fraction(25), VERTICAL, FAST) as encoder,
    ):
        encoder.picture(av.VideoFrame(640, 360, "yuv420p"))


def test_without_a_graphics_card_x264_makes_the_picture(tmp_path, caplog):
    video_format = VideoFormat(VERTICAL.width, VERTICAL.height, Fraction(25))
    if encoders.nvenc_fault(video_format) is None:
        pytest.skip("NVENC works here")
    assert encoders.choose_encoder(video_format, Quality()) is EncoderChoice.X264
    assert "nvenc" not in caplog.text
    assert encoders.choose_encoder(video_format, Quality(encoder=EncoderChoice.NVENC)) is EncoderChoice.X264
    assert "nvenc_skipped" in caplog.text


def test_sound_is_encoded_without_its_priming_and_decodes_where_it_was():
    samples = np.zeros((2, 48000), np.float32)
    samples[:, 24000:24480] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(480) / 48000)
    out = np.concatenate(list(aac.decode(aac.encode([samples[:, :30000], samples[:, 30000:]], 128_000))), axis=1)
    assert out.shape[1] == -(-48000 // 1024) * 1024
    lags = range(-20, 21)
    best = max(lags, key=lambda lag: float(out[0, 24000 + lag : 24480 + lag] @ samples[0, 24000:24480]))
    assert best == 0
