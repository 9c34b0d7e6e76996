"""Checking that a rendered file is what platforms take and what was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from clipmill.renderer.reframing import HEIGHT, WIDTH
from clipmill.renderer.sound import SAMPLE_RATE

LONGEST_OFFSET_SECONDS = 0.04
"""Between the starts of picture and sound."""

DURATION_TOLERANCE_SECONDS = 0.1

LONGEST_GROUP_SECONDS = 2.0
"""Between two pictures from which a player can start."""

CONTAINER_BOXES = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"})
"""Boxes of an MP4 file that hold other boxes and lead to what is checked here (ISO/IEC 14496-12)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a file.

    Attributes:
        check: its short name.
        sentence: what was expected and what was found.
    """

    check: str
    sentence: str


def verify(path: Path, seconds: float | None = None) -> list[Finding]:
    """Return what is wrong with a rendered file, nothing if it is right.

    Args:
        path: of the file.
        seconds: how long it should be; None to leave that open.
    """
    try:
        with av.open(path) as container:
            findings = list(_check_streams(container, seconds))
    except (av.error.FFmpegError, OSError) as error:
        return [Finding("readable", f"The file cannot be opened or decoded: {error}.")]
    return [*_check_boxes(path), *findings]


def _check_streams(container: InputContainer, seconds: float | None) -> Iterator[Finding]:
    if "mp4" not in container.format.name:
        yield Finding("container", f"The container is {container.format.name}, not MP4.")
    if len(container.streams.video) != 1 or len(container.streams.audio) != 1:
        yield Finding("streams", "There must be one picture stream and one sound stream.")
        return
    video, audio = container.streams.video[0], container.streams.audio[0]
    yield from _check_video(video)
    yield from _check_audio(audio)
    yield from _check_times(container, video, audio, seconds)


def _check_video(video: VideoStream) -> Iterator[Finding]:
    codec = video.codec_context
    facts = (
        ("video codec", codec.name, "h264"),
        ("profile", str(codec.profile), "High"),
        ("pixel format", codec.pix_fmt, "yuv420p"),
        ("size", f"{codec.width}x{codec.height}", f"{WIDTH}x{HEIGHT}"),
        ("pixel aspect", str(video.sample_aspect_ratio or 1), "1"),
        ("colour", f"{int(codec.colorspace)}/{int(codec.color_primaries)}/{int(codec.color_trc)}", "1/1/1"),
    )
    for check, found, wanted in facts:
        if found != wanted:
            yield Finding(check, f"The {check} is {found}, not {wanted}.")


def _check_audio(audio: AudioStream) -> Iterator[Finding]:
    codec = audio.codec_context
    facts = (
        ("audio codec", f"{codec.name} {codec.profile}", "aac LC"),
        ("sample rate", str(codec.sample_rate), str(SAMPLE_RATE)),
        ("channels", codec.layout.name, "stereo"),
    )
    for check, found, wanted in facts:
        if found != wanted:
            yield Finding(check, f"The {check} is {found}, not {wanted}.")


def _check_times(
    container: InputContainer, video: VideoStream, audio: AudioStream, seconds: float | None
) -> Iterator[Finding]:
    """Decode from start to end; what players show is what counts, so times are those of frames."""
    first: dict[str, float] = {}
    last = {"video": 0.0, "audio": 0.0}
    frames, key, longest = 0, 0.0, 0.0
    for frame in container.decode(video, audio):
        if not isinstance(frame, av.VideoFrame | av.AudioFrame):
            continue
        kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
        if isinstance(frame, av.VideoFrame):
            frames += 1
            longest = max(longest, (frame.time or 0.0) - key)
            key = (frame.time or 0.0) if frame.key_frame else key
        first.setdefault(kind, frame.time or 0.0)
        length = frame.samples / frame.sample_rate if isinstance(frame, av.AudioFrame) else _frame_seconds(video)
        last[kind] = max(last[kind], (frame.time or 0.0) + length)
    if set(first) != {"video", "audio"}:
        yield Finding("decodes", "Not a single frame of picture or of sound can be decoded.")
        return
    if video.frames and frames != video.frames:
        yield Finding("decodes", f"{frames} of {video.frames} pictures can be decoded.")
    if longest > LONGEST_GROUP_SECONDS + _frame_seconds(video) / 2:
        yield Finding("key frames", f"There is no key frame for {longest:.2f} s.")
    if abs(first["video"] - first["audio"]) > LONGEST_OFFSET_SECONDS:
        yield Finding("sync", f"The picture starts at {first['video']:.3f} s, the sound at {first['audio']:.3f} s.")
    told = float(container.duration or 0) / av.time_base
    expected = last["video"] if seconds is None else seconds
    for name, found in (("container says", told), ("picture lasts", last["video"]), ("sound lasts", last["audio"])):
        if abs(found - expected) > DURATION_TOLERANCE_SECONDS:
            yield Finding("duration", f"The {name} {found:.3f} s, not {expected:.3f} s.")


def _frame_seconds(video: VideoStream) -> float:
    return float(1 / video.average_rate) if video.average_rate else 0.0


def _check_boxes(path: Path) -> Iterator[Finding]:
    boxes = list(_boxes(path.read_bytes()))
    if b"moov" not in boxes or b"mdat" not in boxes or boxes.index(b"moov") > boxes.index(b"mdat"):
        yield Finding(
            "faststart", "The index (moov) must stand before the media (mdat), so that players start at once."
        )
    if b"elst" in boxes:
        yield Finding("edit list", "There is an edit list; editors and uploaders treat those differently.")


def _boxes(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the names of an MP4 file's boxes in order, down to those of a track's tables."""
    end = len(data) if end is None else end
    while begin + 8 <= end:
        size, name = int.from_bytes(data[begin : begin + 4]), data[begin + 4 : begin + 8]
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[begin + 8 : begin + 16]), 16
        elif size == 0:
            size = end - begin
        if size < head:
            return
        yield name
        if name in CONTAINER_BOXES:
            yield from _boxes(data, begin + head, min(begin + size, end))
        begin += size
