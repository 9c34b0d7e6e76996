"""A check that a phone plays a file: an upright 9:16 video with sound, whole from the first frame to the last."""

from fractions import Fraction
from pathlib import Path

import av
from msgspec import Struct

UPRIGHT = Fraction(9, 16)

TAIL_SECONDS = 1.0
"""Time before the end at which decoding continues, from the key frame before it."""

DURATION_TOLERANCE = 0.5
"""Seconds by which the time of the last picture may differ from the duration in the container."""


class Unplayable(Exception):
    """The file is not a playable upright clip; the message says why."""


class ClipFile(Struct, frozen=True, kw_only=True):
    """A clip that was checked.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        duration: Duration in seconds.
    """

    width: int
    height: int
    duration: float


def check_clip(path: Path) -> ClipFile:
    """Decode the first and the last pictures and the first sound of the file at `path`.

    Raises:
        Unplayable: if it cannot be read or decoded, is not 9:16, has no sound, or breaks off before its end.
    """
    try:
        with av.open(str(path)) as container:
            return _check(container)
    except (av.FFmpegError, OSError) as error:
        raise Unplayable(f"it cannot be played: {error}") from error


def _check(container: av.container.InputContainer) -> ClipFile:
    if not container.streams.video:
        raise Unplayable("it has no picture")
    if not container.streams.audio:
        raise Unplayable("it has no sound")
    video, audio = container.streams.video[0], container.streams.audio[0]
    first = next(container.decode(video), None)
    if first is None:
        raise Unplayable("no picture can be decoded")
    if Fraction(first.width, first.height) != UPRIGHT:
        raise Unplayable(f"it is {first.width}×{first.height}, not 9:16")  # noqa: RUF001
    duration = (container.duration or 0) / av.time_base
    container.seek(0)
    if next(container.decode(audio), None) is None:
        raise Unplayable("no sound can be decoded")
    last = _last_picture_time(container, video, duration)
    if abs(duration - last) > DURATION_TOLERANCE:
        raise Unplayable(f"its pictures end at {last:.1f} s of {duration:.1f} s")
    return ClipFile(width=first.width, height=first.height, duration=duration)


def _last_picture_time(container: av.container.InputContainer, video: av.VideoStream, duration: float) -> float:
    container.seek(int(max(0.0, duration - TAIL_SECONDS) * av.time_base))
    return max((frame.time or 0.0 for frame in container.decode(video)), default=0.0)
