"""Frame samples of a clip: sparse pictures, and all its sound."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clipmill.renderer.reading.conversion import Geometry
from clipmill.renderer.reading.orientation import Orientation
from clipmill.renderer.reading.source import FrameSample, Source

pytestmark = pytest.mark.media


def seen(path, start, frames):
    with path.open("rb") as file, Source(file, near=start) as source:
        items = list(source.frame_samples(start, frames))
    return [item for item in items if isinstance(item, FrameSample)], [
        item for item in items if not isinstance(item, FrameSample)
    ]


def light(sample):
    return float(np.median(sample.picture.luma))


@pytest.mark.parametrize(
    ("options", "most_apart"),
    [
        ({"preset": "medium", "bf": "3", "b-pyramid": "normal"}, 4),
        ({"preset": "medium", "bf": "16", "b-pyramid": "none", "x264-params": "b-adapt=0"}, 2),
        ({"preset": "ultrafast", "bf": "0"}, 2),
    ],
)
def test_a_clip_is_sampled_often_enough_however_it_is_encoded(make_media, options, most_apart):
    path = make_media(seconds=4, group=60, options=options, light=lambda time: 30 + round(time * 25))
    samples, _ = seen(path, 1.0, 60)
    frames = [sample.frame for sample in samples]
    assert frames[0] <= most_apart
    assert np.diff(frames).min() >= 2
    assert np.diff(frames).max() <= most_apart
    assert frames[-1] >= 60 - most_apart
    assert max(abs(light(sample) - (55 + sample.frame)) for sample in samples) <= 2


@pytest.mark.parametrize("rate", [5, 60, 120])
def test_frame_samples_are_few_at_high_rates_and_all_frames_at_low_ones(make_media, rate):
    path = make_media(rate=rate, seconds=2, options={"preset": "medium"})
    with path.open("rb") as file, Source(file) as source:
        frames = [
            item.frame for item in source.frame_samples(0.0, int(1.5 * source.rate)) if isinstance(item, FrameSample)
        ]
        assert np.diff(frames).max() / source.rate <= 0.21
        assert np.diff(frames).min() >= 0.05 * source.rate


def test_a_picture_shown_since_before_the_clip_is_sampled(make_media):
    path = make_media("slides.mkv", times=[0.0, 0.04, 1.0, 3.0, 3.04], light=lambda time: 50 + round(time * 25))
    (first, second), _ = seen(path, 1.6, 50)
    assert (first.frame, second.frame) == (0, 35)
    assert (light(first), light(second)) == pytest.approx((75, 125), abs=1)
    (only,), _ = seen(path, 1.6, 20)
    assert (only.frame, light(only)) == (0, pytest.approx(75, abs=1))


def tone(times):
    return 0.3 * np.sin(2 * np.pi * 440 * times)


def laid(sounds, samples):
    """Place the sounds on a timeline that begins with the clip; return it, and the number of sounds at each sample."""
    line = np.zeros(samples + 96000)
    count = np.zeros(samples + 96000)
    for sound in sounds:
        begin = round(sound.time * 48000)
        part = sound.samples[0][max(0, -begin) :]
        begin = max(0, begin)
        line[begin : begin + len(part)] += part
        count[begin : begin + len(part)] += 1
    return line[:samples], count[:samples]


def test_all_the_sound_comes_once(make_media):
    path = make_media(seconds=6, sound=tone, group=40, options={"preset": "medium"})
    _, sounds = seen(path, 1.0, 100)
    _, count = laid(sounds, 4 * 48000)
    assert (count[2000:-2000] >= 1).all()
    assert (count > 1).sum() < 2000  # the rest of a resampler


def test_without_sound_there_is_none(make_media):
    path = make_media()
    with path.open("rb") as file, Source(file) as source:
        assert not source.has_sound
    _, sounds = seen(path, 0.0, 25)
    assert sum(sound.samples.size for sound in sounds) == 0


def test_sound_that_is_stored_before_its_picture_is_found(tmp_path):
    path = tmp_path / "early.mkv"
    with av.open(path, "w", options={"max_interleave_delta": "1"}) as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt, video.codec_context.gop_size = 64, 64, "yuv420p", 25
        audio = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        packets = []
        for index in range(100):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = index
            packets += [(packet.dts / 25, packet) for packet in video.encode(frame)]
        packets += [(packet.dts / 25, packet) for packet in video.encode(None)]
        for index in range(0, 192000, 4800):
            samples = (3000 * np.ones((1, 4800))).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, index, Fraction(1, 48000)
            packets += [(index / 48000 - 1.5, packet) for packet in audio.encode(frame)]  # a second and a half ahead
        for _, packet in sorted(packets, key=lambda item: item[0]):
            container.mux_one(packet)
    _, sounds = seen(path, 2.0, 25)
    line, _ = laid(sounds, 48000)
    assert (np.abs(line[480:-480]) > 0.05).all()


def test_frame_samples_are_small_and_of_the_same_shape():
    upright = Orientation(turns=3)
    form = Geometry(3840, 2160, 1.0, upright).limited(1080)
    assert (form.width, form.height) == (1920, 1080)
    assert form.shown == (1080, 1920)
    assert Geometry(1280, 720, 1.0, upright).limited(1080) == Geometry(1280, 720, 1.0, upright)
