"""The bytes that a clip of a remote source fetches."""

import io

import av
import numpy as np
import pytest
from clipmill.artifacts.media import RangeReader
from clipmill.renderer.audio.sound import SAMPLE_RATE, Sound
from clipmill.renderer.reading.source import FrameSample, Source

pytestmark = pytest.mark.media

LENGTH, START, SECONDS = 100, 47.3, 15

ALLOWED = 1.3
SLACK_BYTES = 4 * 2**20


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    """Return four seconds of noise of 4 Mbit/s with sound."""
    path = tmp_path_factory.mktemp("loop") / "loop.mkv"
    noise = np.random.default_rng(2)
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "b": "4M", "bf": "0"})
        video.width, video.height, video.pix_fmt, video.codec_context.gop_size = 320, 180, "yuv420p", 50
        audio = container.add_stream("aac", rate=48000, layout="stereo")
        for index in range(100):
            planes = noise.integers(30, 220, (270, 320), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))
            for begin in range(index * 1920, (index + 1) * 1920, 960):
                sound = av.AudioFrame.from_ndarray(np.zeros((2, 960), np.float32), format="fltp", layout="stereo")
                sound.sample_rate, sound.pts = 48000, begin
                container.mux(audio.encode(sound))
        container.mux([*video.encode(None), *audio.encode(None)])
    return path


def long(loop, path, options):
    """Write the loop over and over; return the bytes of the clip's own packets."""
    key, counted, last = 0, [], {}
    with av.open(path, "w", options=options) as container, av.open(loop) as source:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        for turn in range(LENGTH // 4):
            source.seek(0)
            for packet in source.demux():
                if packet.dts is None:
                    continue
                shift = round(4 * turn / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                if packet.dts <= last.get(packet.stream.index, -1):
                    continue  # sound is a little longer than its pictures
                last[packet.stream.index] = packet.dts
                time = float(packet.pts * packet.time_base)
                if packet.stream.type == "video" and packet.is_keyframe and time <= START:
                    key = time
                counted.append((time, packet.size))
                packet.stream = streams[packet.stream.index]
                container.mux(packet)
    return sum(size for time, size in counted if key <= time < START + SECONDS)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("end.mp4", {}),
        ("front.mp4", {"movflags": "+faststart"}),
        ("cues.mkv", {}),
        ("fast.mkv", {"cues_to_front": "1"}),
    ],
)
def test_survey_and_rendering_together_fetch_little_more_than_the_clip(loop, tmp_path, name, options):
    path = tmp_path / name
    own = long(loop, path, options)
    data = path.read_bytes()
    assert own > 6_000_000
    fetched = []

    def read_range(start, end):
        fetched.append(end - start)
        return data[start:end]

    with (
        io.BufferedReader(RangeReader(read_range, len(data), tmp_path), buffer_size=64 * 1024) as file,
        Source(file, near=START) as source,
    ):
        start = source.snapped(START)
        frames = round(SECONDS * source.rate)
        assert sum(1 for _ in source.frame_samples(start, frames)) > frames / 4
        assert sum(1 for _ in source.pictures(start, frames)) == frames
    assert sum(fetched) <= ALLOWED * own + SLACK_BYTES / 4  # the rest is for the index of a longer video
    assert len(fetched) < 100


def uneven(path, pictures, sound, chunk=None):
    """Write so many seconds of pictures and of sound, a second of each by turns or in larger chunks."""
    with av.open(path, "w", options={"max_interleave_delta": "1"} if chunk else {}) as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt, video.codec_context.gop_size = 64, 64, "yuv420p", 25
        audio = container.add_stream("mp2", rate=48000, layout="stereo", options={"b": "256k"})
        waiting = []
        for second in range(max(pictures, sound)):
            for index in range(second * 25, (second + 1) * 25 if second < pictures else 0):
                planes = np.full((96, 64), 128, np.uint8)
                planes[:64] = 40 + index % 150
                frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                frame.pts = index
                waiting += video.encode(frame)
            for begin in range(second * 48000, (second + 1) * 48000 if second < sound else 0, 1000):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 2000), np.int16), format="s16", layout="stereo")
                frame.sample_rate, frame.pts = 48000, begin
                waiting += audio.encode(frame)
            if not chunk or (second + 1) % chunk == 0:
                waiting.sort(key=lambda packet: packet.stream.type if chunk else "")
                container.mux(waiting)
                waiting = []
        container.mux([*video.encode(None), *audio.encode(None)])
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_that_goes_on_for_long_after_the_pictures_is_not_fetched(tmp_path, name):
    data = uneven(tmp_path / name, 12, 200)
    fetched = []

    def read_range(start, end):
        fetched.append(end - start)
        return data[start:end]

    file = io.BufferedReader(RangeReader(read_range, len(data), tmp_path), buffer_size=64 * 1024)
    with file, Source(file, near=8) as source:
        opened = sum(fetched)
        items = list(source.frame_samples(8.0, 125))
        assert sum(1 for _ in source.pictures(8.0, 125)) == 125
    heard = sum(item.samples.shape[1] for item in items if isinstance(item, Sound))
    assert heard > 4.9 * SAMPLE_RATE
    assert sum(fetched) - opened < len(data) / 6


def test_sound_may_be_stored_well_ahead_of_its_pictures(tmp_path):
    data = uneven(tmp_path / "a.mkv", 60, 60, chunk=20)
    for start, first in ((0.0, 40), (18.0, 40 + 450 % 150)):
        with Source(io.BytesIO(data), near=start) as source:
            pictures = list(source.pictures(start, 125))
            samples = [item for item in source.frame_samples(start, 125) if isinstance(item, FrameSample)]
        lights = np.array([float(np.median(picture.luma)) for picture in pictures])
        assert np.abs(lights - (first + np.arange(125))).max() <= 2
        assert samples[-1].frame >= 120
