"""Damaged or false files give a whole clip or a clear refusal, never half a clip, another error or a hang."""

import io

import av
import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.reading.demuxing import MOST_PIXELS
from clipmill.renderer.reading.source import FrameSample, Source

pytestmark = pytest.mark.media

FRAMES = 100


def outcome(data, start=0.0, frames=FRAMES):
    """Return the number of pictures, or the code of the refusal."""
    try:
        with Source(io.BytesIO(data), near=start) as source:
            samples = [
                item for item in source.frame_samples(source.snapped(start), frames) if isinstance(item, FrameSample)
            ]
            assert all(0 <= sample.frame < frames for sample in samples)
            pictures = sum(1 for _ in source.pictures(source.snapped(start), frames))
    except Permanent as error:
        return error.code if error.sentence.endswith(".") else None
    assert pictures == frames
    assert samples
    return frames


def grey(light):
    planes = np.full((96, 64), 128, np.uint8)
    planes[:64] = light
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def tone(times):
    return 0.3 * np.sin(2 * np.pi * 440 * times)


@pytest.fixture
def bytes_of(make_media):
    def make(name, **facts):
        noise = np.random.default_rng(1)
        facts = {"light": lambda time: int(noise.integers(30, 200)), "group": 10, "sound": tone, **facts}
        return make_media(name, seconds=4, **facts).read_bytes()

    return make


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_a_file_that_ends_early_is_refused(bytes_of, name, share):
    data = bytes_of(name)
    assert outcome(data[: int(len(data) * share)]) is ErrorCode.UNREADABLE_MEDIA


def test_an_index_in_front_of_media_that_end_early_is_seen_through(make_media, tmp_path):
    path = make_media(seconds=4, group=10)
    with av.open(path) as source, av.open(tmp_path / "front.mp4", "w", options={"movflags": "+faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = (tmp_path / "front.mp4").read_bytes()
    assert outcome(data) == FRAMES
    begin = data.index(b"mdat")
    assert outcome(data[: begin + (len(data) - begin) // 4]) is ErrorCode.UNREADABLE_MEDIA


@pytest.mark.parametrize("data", [b"", b"\0" * 50_000, b"<html>" * 300, b"\x1a\x45\xdf\xa3" * 999, b"G" * 188 * 300])
def test_what_is_no_video_is_refused(data):
    assert outcome(data) in {ErrorCode.UNREADABLE_MEDIA, ErrorCode.NO_VIDEO}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_bytes_that_changed_cost_pictures_but_never_the_form(bytes_of, name):
    data = np.frombuffer(bytes_of(name, codec="mpeg4" if name == "a.avi" else "libx264"), np.uint8)
    for seed in range(12):
        dice = np.random.default_rng(seed)
        spoilt = data.copy()
        places = dice.integers(0, len(data), 3 + 10 * seed)
        spoilt[places] = dice.integers(0, 256, len(places))
        assert outcome(spoilt.tobytes()) in {FRAMES, ErrorCode.UNREADABLE_MEDIA, ErrorCode.NO_VIDEO}


def test_a_header_without_media_is_refused(tmp_path):
    path = tmp_path / "empty.mp4"
    with av.open(path, "w", options={"movflags": "empty_moov"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    assert outcome(path.read_bytes()) is ErrorCode.UNREADABLE_MEDIA


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(path, "w") as container:
        audio = container.add_stream("aac", rate=48000, layout="stereo")
        cover = container.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        for begin in range(0, 48000, 1024):
            sound = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            sound.sample_rate, sound.pts = 48000, begin
            container.mux(audio.encode(sound))
        container.mux([*cover.encode(None), *audio.encode(None)])
    assert outcome(path.read_bytes()) is ErrorCode.NO_VIDEO


def test_dimensions_that_no_memory_holds_are_refused(bytes_of):
    data = bytearray(bytes_of("a.mkv", codec="ffv1", size=(320, 320), sound=None))
    for name, value in ((b"\xb0", 60000), (b"\xba", 60000)):  # PixelWidth, PixelHeight
        place = data.index(name + b"\x82")
        data[place + 2 : place + 4] = value.to_bytes(2)
    assert MOST_PIXELS < 60000 * 60000
    assert outcome(bytes(data)) is ErrorCode.UNREADABLE_MEDIA


def test_a_codec_that_nobody_knows_is_refused(bytes_of):
    data = bytes_of("a.mp4")
    assert outcome(data.replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC")) is ErrorCode.UNREADABLE_MEDIA


def test_sound_that_nobody_can_decode_is_left_out(bytes_of):
    data = bytes_of("a.mkv").replace(b"A_AAC", b"A_ZZZ")
    assert outcome(data) == FRAMES
    with Source(io.BytesIO(data)) as source:
        assert not source.has_sound


def test_a_stream_without_key_frames_gives_what_its_decoder_makes_of_it(tmp_path):
    path = tmp_path / "refresh.mp4"
    with av.open(path, "w") as container:
        options = {"preset": "ultrafast", "x264-params": "intra-refresh=1:keyint=25:scenecut=0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(100):
            frame = grey(40 + index)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert outcome(path.read_bytes(), 2.0, 40) == 40


def test_a_clock_that_wraps_is_followed(tmp_path):
    path = tmp_path / "wrap.ts"
    offset = 2**33 / 90000 - 2.0  # two seconds before the clock of a transport stream starts again
    with av.open(path, "w", options={"output_ts_offset": f"{offset}"}) as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(125):
            frame = grey(40 + index)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with Source(io.BytesIO(path.read_bytes())) as source:
        lights = [float(np.median(picture.luma)) for picture in source.pictures(0.0, 120)]
    assert np.abs(np.array(lights) - np.arange(40, 160)).max() <= 4


def test_a_clock_that_jumps_back_ends_in_a_clip_or_a_refusal(tmp_path):
    pieces = []
    for index, first in enumerate((250, 0)):
        piece = tmp_path / f"{index}.ts"
        with av.open(piece, "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "10", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            for number in range(60):
                frame = grey(40 + number)
                frame.pts = first + number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        pieces.append(piece.read_bytes())
    assert outcome(b"".join(pieces)) in {FRAMES, ErrorCode.UNREADABLE_MEDIA}


def test_metadata_in_no_encoding_do_not_matter(tmp_path):
    path = tmp_path / "named.mkv"
    with av.open(path, "w") as container:
        container.metadata["title"] = "abcdefgh"
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(30):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert outcome(path.read_bytes().replace(b"abcdefgh", b"\xff\xfe\xe4\xf6\xfc\x80\x81\x82"), 0.0, 20) == 20
