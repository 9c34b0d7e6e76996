"""Decoded frames with their place in time, in seconds from the source's first video frame."""

from dataclasses import dataclass

import av


@dataclass(frozen=True, slots=True)
class TimedPicture:
    """A decoded picture.

    Attributes:
        frame: the picture as FFmpeg gives it.
        time: seconds at which it is shown first.
        length: seconds for which the container says that it is shown, 0 if it does not say.
    """

    frame: av.VideoFrame
    time: float
    length: float


@dataclass(frozen=True, slots=True)
class TimedSound:
    """A decoded piece of sound.

    Attributes:
        frame: the samples as FFmpeg gives them.
        time: seconds at which it begins, None if it has no time stamp.
    """

    frame: av.AudioFrame
    time: float | None
