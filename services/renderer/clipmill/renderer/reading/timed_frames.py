"""Decoded frames with their place in time, in seconds from the source's first video frame."""

from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class TimedPicture:
    """A decoded picture.

    Attributes:
        frame: The picture as FFmpeg gives it.
        time: Time at which it is first shown, in seconds.
        length: Time for which it is shown by the container, in seconds; 0 if unknown.
    """

    frame: av.VideoFrame
    time: float
    length: float


@dataclass(frozen=True, slots=True)
class TimedSound:
    """A decoded piece of sound.

    Attributes:
        frame: The samples as FFmpeg gives them.
        time: Time at which it begins, in seconds; None if it has no time stamp.
    """

    frame: av.AudioFrame
    time: float | None
