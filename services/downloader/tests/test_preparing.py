import json
import shutil
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.downloader.prepare_request import Prepared, PrepareRequest
from clipmill.downloader.preparing import prepare

pytestmark = pytest.mark.media


@pytest.fixture
def make_source(tmp_path: Path):
    """Return a function that prepares a file and returns its facts and the path of the source."""

    def run(video: Path, audio: Path | None = None, max_duration: float = 3600.0) -> tuple[Prepared, Path]:
        output = tmp_path / "source"
        request = PrepareRequest(
            video=str(video),
            audio=None if audio is None else str(audio),
            output=str(output),
            min_duration=5.0,
            max_duration=max_duration,
        )
        return prepare(request, lambda _: None), output

    return run


def refusal(make_source, path: Path, **options) -> Permanent:
    with pytest.raises(Permanent) as caught:
        make_source(path, **options)
    return caught.value


def picture_times(path: Path) -> list[float]:
    """Return the time of each decoded picture, in seconds."""
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(container.streams.video[0])]


def shown_times(path: Path) -> list[float]:
    """Return the times of all pictures without decoding them, in seconds and in order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.size)


def sound_start(path: Path) -> float:
    """Return the time of the first sample that is not skipped, in seconds."""
    with av.open(str(path)) as container:
        return next(container.decode(container.streams.audio[0])).time


def boxes(path: Path) -> list[str]:
    """Return the names of an MP4's outermost boxes, in order."""
    names, data, place = [], path.read_bytes(), 0
    while place < len(data):
        names.append(data[place + 4 : place + 8].decode("latin-1"))
        place += int.from_bytes(data[place : place + 4]) or len(data)
    return names


def test_an_ordinary_video_becomes_an_mp4_with_its_index_in_front(make_source, short_video):
    facts, source = make_source(short_video)
    assert facts.container == "mp4"
    assert boxes(source).index("moov") < boxes(source).index("mdat")
    assert (facts.video.codec, facts.video.width, facts.video.height) == ("h264", 192, 108)
    assert (facts.video.rotation, facts.video.pixel_format) == (0, "yuv420p")
    assert facts.video.frame_rate == pytest.approx(10, abs=0.01)
    assert facts.duration == pytest.approx(6, abs=0.05)
    assert facts.size_bytes == source.stat().st_size
    assert facts.audio is not None
    assert (facts.audio.codec, facts.audio.sample_rate, facts.audio.channels, facts.audio.index) == ("aac", 48000, 1, 1)


def test_nothing_is_encoded_again(make_source, short_video):
    _, source = make_source(short_video)
    with av.open(str(short_video)) as before, av.open(str(source)) as after:
        frames = zip(before.decode(video=0), after.decode(video=0), strict=True)
        assert all((one.to_ndarray() == other.to_ndarray()).all() for one, other in frames)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "avi", "flv"])
def test_time_zero_is_the_first_picture_in_any_container(make_source, make_video, tmp_path, suffix):
    audio = "mp3" if suffix in ("avi", "flv") else "aac"
    _, source = make_source(make_video(tmp_path / f"v.{suffix}", audio=audio))
    times = picture_times(source)
    assert times == pytest.approx([number / 10 for number in range(60)], abs=0.002)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("offset", [1.5, -0.5])
def test_sound_keeps_its_distance_from_the_picture(make_source, make_video, tmp_path, suffix, offset):
    video = make_video(tmp_path / f"v.{suffix}", picture_start=1.0, sound_start=1.0 + offset)
    _, source = make_source(video)
    assert picture_times(source)[0] == pytest.approx(0, abs=0.002)
    with av.open(str(source)) as container:
        decoded = list(container.decode(container.streams.audio[0]))
        # A tone is loud wherever there is sound at all: it begins late, or has been going on when the picture begins.
        loud = next(frame.time for frame in decoded if abs(frame.to_ndarray()).max() > 0.1)
        end = decoded[-1].time + decoded[-1].samples / decoded[-1].sample_rate
    assert loud == pytest.approx(max(0.0, offset), abs=0.05)
    assert end == pytest.approx(6 + offset, abs=0.06)


@pytest.mark.parametrize(("codec", "suffix"), [("libx264", "mp4"), ("mpeg2video", "ts")])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_picture_stays_turned(make_source, make_video, tmp_path, codec, suffix, rotation):
    if suffix == "ts":
        suffix = "mkv"  # a transport stream cannot say that it is turned
    facts, source = make_source(make_video(tmp_path / f"v.{suffix}", codec=codec, rotation=rotation, rate=25))
    assert facts.video.rotation == rotation
    upright = (192, 108) if rotation == 180 else (108, 192)
    assert (facts.video.width, facts.video.height) == upright
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).rotation % 360 == -rotation % 360


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_pixels_that_are_not_square_are_reported_and_kept(make_source, make_video, tmp_path, codec):
    path = make_video(tmp_path / "v.mkv", codec=codec, aspect=Fraction(64, 45), rate=25, size=(180, 144))
    facts, source = make_source(path)
    assert (facts.video.width, facts.video.height) == (256, 144)
    with av.open(str(source)) as container:
        next(container.decode(video=0))
        assert container.streams.video[0].sample_aspect_ratio == Fraction(64, 45)


def test_codecs_that_mp4_does_not_take_go_to_matroska_with_its_index_in_front(make_source, make_video, tmp_path):
    facts, source = make_source(make_video(tmp_path / "v.ts", codec="mpeg2video", audio="mp2", rate=25))
    assert facts.container == "mkv"
    assert source.read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    content = source.read_bytes()
    assert content.index(b"\x1c\x53\xbb\x6b") < content.index(b"\x1f\x43\xb6\x75")  # Cues before the first Cluster


def test_two_files_are_put_together(make_source, make_video, tmp_path):
    picture = make_video(tmp_path / "p.mp4", audio=None)
    sound = make_video(tmp_path / "s.webm", video=False, audio="libopus")
    facts, source = make_source(picture, sound)
    assert facts.audio is not None
    assert (facts.container, facts.audio.codec) == ("mp4", "opus")
    assert picture_times(source)[0] == 0
    assert sound_start(source) == pytest.approx(0, abs=0.02)


def test_a_recording_that_was_joined_from_two_goes_on_in_one_time(make_source, make_video, tmp_path):
    """Transport streams are joined by appending; the clock starts over in the middle."""
    part = make_video(tmp_path / "part.ts")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    facts, source = make_source(joined)
    assert facts.duration == pytest.approx(12, abs=0.3)
    times = picture_times(source)
    assert len(times) == 120
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.3


def test_subtitles_data_and_covers_stay_behind(make_source, make_video, tmp_path):
    path = tmp_path / "v.mkv"
    with av.open(str(make_video(tmp_path / "plain.mp4"))) as plain, av.open(str(path), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in plain.streams}
        target.add_attachment("notes.txt", "text/plain", b"notes")
        for packet in plain.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    _, source = make_source(path)
    with av.open(str(source)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_sound_alone_is_no_video(make_source, make_video, tmp_path):
    failure = refusal(make_source, make_video(tmp_path / "a.m4a", video=False))
    assert failure.code is ErrorCode.NO_VIDEO


def test_a_cover_is_no_video(make_source, tmp_path):
    path = tmp_path / "album.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("mp3", rate=48000, layout="mono")
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 64, "rgb24")))
        for number in range(300):
            block = av.AudioFrame("fltp", "mono", 1152)
            block.sample_rate, block.pts = 48000, number * 1152
            block.planes[0].update(bytes(block.planes[0].buffer_size))
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    assert refusal(make_source, path).code is ErrorCode.NO_VIDEO


def test_too_short_and_too_long_say_how_long(make_source, make_video, short_video, tmp_path):
    short = refusal(make_source, make_video(tmp_path / "s.mp4", seconds=3))
    assert (short.code, "lasts 3 s; submit one of at least 5 s." in short.sentence) == (ErrorCode.TOO_SHORT, True)
    long = refusal(make_source, short_video, max_duration=5.5)
    assert (long.code, "0:00:06" in long.sentence) == (ErrorCode.TOO_LONG, True)


@pytest.mark.parametrize(
    ("rate", "frames", "sentence"),
    [
        (100, 497, "The video lasts 4.97 s; submit one of at least 5 s."),
        (100, 499, "The video lasts 4.99 s; submit one"),
    ],
)
def test_a_video_that_is_almost_long_enough_is_not_said_to_be(
    make_source, make_video, tmp_path, rate, frames, sentence
):
    path = make_video(tmp_path / "s.mp4", seconds=frames / rate, rate=rate, audio=None)
    assert refusal(make_source, path).sentence.startswith(sentence)


def test_a_stream_that_does_not_say_how_long_it_is_is_measured(make_source, make_video, tmp_path):
    path = make_video(tmp_path / "v.ts")
    assert refusal(make_source, path, max_duration=5.5).code is ErrorCode.TOO_LONG
    assert refusal(make_source, make_video(tmp_path / "s.ts", seconds=3)).code is ErrorCode.TOO_SHORT


def test_a_stream_that_is_given_up_at_the_limit_is_only_said_to_be_longer(
    make_source, make_video, tmp_path, monkeypatch
):
    monkeypatch.setattr("clipmill.downloader.preparing.PROGRESS_FRAMES", 1)
    assert refusal(make_source, make_video(tmp_path / "v.ts"), max_duration=5.5).sentence == (
        "The video is longer than 0:00:05.5; submit one that lasts at most 0:00:05.5."
    )


def test_a_file_that_claims_to_be_longer_than_it_is_is_refused(make_source, make_video, tmp_path):
    path = make_video(tmp_path / "v.mkv")
    content = path.read_bytes()
    place = content.index(b"\x44\x89\x88") + 3  # Duration, a float of 8 bytes, milliseconds
    path.write_bytes(content[:place] + struct.pack(">d", 600_000.0) + content[place + 8 :])
    failure = refusal(make_source, path)
    assert failure.code is ErrorCode.UNREADABLE_MEDIA
    assert "600 s" in failure.sentence
    assert failure.sentence.endswith("; submit a file that plays to its end.")


@pytest.mark.parametrize("share", [0.2, 0.6, 0.85])
@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}])
def test_an_mp4_that_was_cut_off_is_unreadable(make_source, make_video, tmp_path, share, options):
    path = make_video(tmp_path / "v.mp4", options=options)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert refusal(make_source, path).code is ErrorCode.UNREADABLE_MEDIA


def test_an_encrypted_video_is_unreadable_and_says_why(make_source, make_video, tmp_path):
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "00" * 16, "encryption_kid": "11" * 16}
    failure = refusal(make_source, make_video(tmp_path / "v.mp4", options=key))
    assert failure.code is ErrorCode.UNREADABLE_MEDIA
    assert "encrypted" in failure.sentence
    assert failure.sentence.endswith("; submit one that is not copy-protected.")


def test_a_video_with_an_unknown_codec_should_be_converted(make_source, make_video, tmp_path):
    path = make_video(tmp_path / "v.mkv")
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XXX"))
    assert refusal(make_source, path).sentence.endswith("its video codec is unknown; convert it to MP4 with H.264.")


def test_a_video_that_cannot_be_repacked_should_be_converted(make_source, make_video, tmp_path, monkeypatch):
    monkeypatch.setattr("clipmill.downloader.preparing.muxer_for", lambda *_: "mp4")
    failure = refusal(make_source, make_video(tmp_path / "v.mkv", codec="snow"))
    assert "cannot be repacked" in failure.sentence
    assert failure.sentence.endswith("; convert it to MP4 with H.264.")


def test_a_picture_that_is_too_large_names_the_limit(make_source, short_video, monkeypatch):
    monkeypatch.setattr("clipmill.downloader.probing.LONGEST_SIDE", 100)
    assert refusal(make_source, short_video).sentence.endswith(
        "192x108 pixels is too large; submit one of at most 100 pixels a side."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just words\n" * 1000,
        b"\x00" * 100_000,
        b"\x1a\x45\xdf\xa3" + b"\xff" * 10_000,
        b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 5000,
    ],
)
def test_a_file_that_is_no_video_is_unreadable(make_source, tmp_path, content):
    path = tmp_path / "v.mp4"
    path.write_bytes(content)
    assert refusal(make_source, path).code is ErrorCode.UNREADABLE_MEDIA


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{target}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
)
def test_an_upload_cannot_have_other_files_opened(make_source, make_video, tmp_path, playlist):
    """A playlist is a small text that FFmpeg would follow to this machine's files and its network."""
    target = make_video(tmp_path / "secret.ts")
    path = tmp_path / "upload"
    path.write_text(playlist.format(target=target))
    assert refusal(make_source, path).code is ErrorCode.UNREADABLE_MEDIA


UNREADABLE = {
    "audio_only.m4a": ErrorCode.NO_VIDEO,
    "truncated.mp4": ErrorCode.UNREADABLE_MEDIA,
    "not_a_video.mp4": ErrorCode.UNREADABLE_MEDIA,
    "tiny.mp4": ErrorCode.TOO_SHORT,
}


def test_awkward_files_are_taken_or_refused_as_they_should(make_source, corpus, tmp_path):
    expected = json.loads((corpus / "edge" / "expect.json").read_text())
    for name, expectation in expected.items():
        path = Path(shutil.copy(corpus / "edge" / name, tmp_path))
        if name in UNREADABLE:
            assert refusal(make_source, path).code is UNREADABLE[name], name
            continue
        facts, source = make_source(path)
        shown = expectation.get("video_duration", expectation["duration"])
        assert facts.duration == pytest.approx(shown, abs=0.05), name
        assert (facts.audio is not None) == expectation["has_audio"], name
        if "width" in expectation and name != "mpeg2_interlaced.ts":  # which has pixels that are not square
            assert (facts.video.width, facts.video.height) == (expectation["width"], expectation["height"]), name
        before, after = shown_times(path), shown_times(source)
        assert after == pytest.approx([time - expectation["video_start"] for time in before], abs=0.0015), name
        if facts.audio is not None and facts.container == "mp4":
            moved = sound_start(path) - expectation["video_start"]
            assert sound_start(source) == pytest.approx(max(moved, -0.03), abs=0.03), name
