"""A flash and a beep near the end of a clip stay together for any clock of their source."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from clipmill.renderer.audio.sound import SAMPLE_RATE, Timeline
from clipmill.renderer.reading.source import FrameSample, Source

pytestmark = pytest.mark.media

LENGTH = 22.0
FLASH = 20.5
SIZE = (64, 48)


def at_rate(rate):
    return [float(index / rate) for index in range(round(LENGTH * rate))]


def irregular():
    steps = np.random.default_rng(3).choice([1 / 30, 1 / 24, 0.1, 0.25], 500)
    times = np.concatenate([[0.0], np.cumsum(steps)])
    return sorted({*(round(float(time), 3) for time in times if time < LENGTH), FLASH})


def write(path, times, *, codec, sample_rate, layout, late):
    """Write a source whose flash begins with the first picture at or after FLASH, and its beep with the flash."""
    start = next(time for time in times if time >= FLASH - 1e-6)
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.time_base = Fraction(1, 90000)
        video.codec_context.gop_size = 100
        audio = container.add_stream(codec, rate=sample_rate, layout=layout)
        packets = []
        for time in times:
            planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
            planes[: SIZE[1]] = 220 if start <= time < start + 0.5 else 40
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = round(time * 90000), Fraction(1, 90000)
            packets += video.encode(frame)
        packets += [*video.encode(None), *_sound(audio, start, late)]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)


def _sound(audio, start, late):
    packets = []
    rate = audio.codec_context.sample_rate
    times = np.arange(round(late * rate), round(LENGTH * rate)) / rate
    samples = np.where((times >= start) & (times < start + 0.5), 0.6 * np.sin(2 * np.pi * 900 * times), 0.0)
    channels = audio.codec_context.layout.nb_channels
    size = audio.codec_context.frame_size or 1024
    resampler = av.AudioResampler(format=audio.codec_context.format, layout=audio.codec_context.layout, rate=rate)
    for begin in range(0, len(samples), size):
        part = np.stack([samples[begin : begin + size]] * channels).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=audio.codec_context.layout.name)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(late * rate) + begin
        for converted in resampler.resample(frame):
            packets += audio.encode(converted)
    return [*packets, *audio.encode(None)]


def heard_and_seen(path, start, length):
    """Return the times of the beep and the flash from the clip's start, and that of the first bright frame sample."""
    with path.open("rb") as file, Source(file, near=start) as source:
        start = source.snapped(start)
        frames = round(length * source.rate)
        line = Timeline(round(length * SAMPLE_RATE))
        sound, bright = [], None
        for item in source.frame_samples(start, frames):
            if isinstance(item, FrameSample):
                if bright is None and np.median(item.picture.luma) > 130:
                    bright = item.frame
            else:
                sound.append(line.lay(item.samples, item.time)[0])
        heard = np.concatenate([*sound, line.rest()[0]])
        seen = [float(np.median(picture.luma)) > 130 for picture in source.pictures(start, frames)]
        assert len(seen) == frames
        flash = next(index for index, (before, after) in enumerate(pairwise(seen), 1) if after and not before)
        return (
            int(np.argmax(np.abs(heard) > 0.1)) / SAMPLE_RATE,
            flash / float(source.rate),
            bright / float(source.rate),
        )


@pytest.mark.parametrize(
    ("name", "times", "codec", "sample_rate", "layout", "late"),
    [
        ("a.mp4", at_rate(Fraction(30000, 1001)), "aac", 44100, "stereo", 0.0),
        ("a.mp4", at_rate(Fraction(24000, 1001)), "aac", 44100, "5.1", 0.0),
        ("a.mkv", at_rate(Fraction(60000, 1001)), "libmp3lame", 44100, "mono", 0.0),
        ("a.mkv", irregular(), "libopus", 48000, "stereo", 0.0),
        ("a.mp4", irregular(), "aac", 22050, "mono", 1.7),
        ("a.ts", at_rate(25), "ac3", 32000, "5.1", 0.0),
        ("a.mov", at_rate(24), "pcm_s16le", 8000, "mono", 0.0),
    ],
)
def test_picture_and_sound_are_together_at_the_clips_end(tmp_path, name, times, codec, sample_rate, layout, late):
    path = tmp_path / name
    write(path, times, codec=codec, sample_rate=sample_rate, layout=layout, late=late)
    for start in (0.0, 1.234):
        heard, seen, sampled = heard_and_seen(path, start, 21.5 - start)
        assert abs(heard - seen) < 0.025
        assert -0.02 < sampled - seen < 0.27
        assert abs(seen + start - FLASH) < 0.06


def test_sound_that_changes_its_rate_and_channels_in_mid_stream_stays_in_place(tmp_path):
    pieces = []
    for index, (rate, layout) in enumerate([(44100, "stereo"), (48000, "mono"), (32000, "5.1")]):
        piece = tmp_path / f"{index}.ts"
        with av.open(piece, "w") as container:
            video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency"})
            video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
            audio = container.add_stream("aac", rate=rate, layout=layout)
            for number in range(50):
                planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
                frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                frame.pts = 50 * index + number
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            times = 2 * index + np.arange(2 * rate) / rate
            wave = np.where(times % 2 >= 1.5, 0.5 * np.sin(2 * np.pi * 700 * times), 0).astype(np.float32)
            for begin in range(0, len(wave), 1024):
                part = np.stack([wave[begin : begin + 1024]] * audio.codec_context.layout.nb_channels)
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
                frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 2 * index * rate + begin
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
        pieces.append(piece.read_bytes())
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(pieces))
    with path.open("rb") as file, Source(file) as source:
        line = Timeline(6 * SAMPLE_RATE)
        sound = [
            line.lay(item.samples, item.time)
            for item in source.frame_samples(0.0, 150)
            if not isinstance(item, FrameSample)
        ]
    heard = np.abs(np.concatenate([*sound, line.rest()], axis=1)[0])
    assert heard.shape == (6 * SAMPLE_RATE,)
    for second in (0, 2, 4):
        quiet = heard[int((second + 0.3) * SAMPLE_RATE) : int((second + 1.4) * SAMPLE_RATE)]
        loud = heard[int((second + 1.6) * SAMPLE_RATE) : int((second + 1.9) * SAMPLE_RATE)]
        assert quiet.max() < 0.02
        assert loud.max() > 0.1
