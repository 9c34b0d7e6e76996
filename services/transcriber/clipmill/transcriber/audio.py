"""The sound of a source as a recogniser wants it: 16 kHz mono float32 on the picture's time line."""

from collections.abc import Callable
from typing import BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from clipmill.contracts.failures import ErrorCode, Permanent

RATE = 16_000
"""Samples a second: what Whisper was trained on."""

TOLERANCE_SECONDS = 0.1
"""How far time stamps may stray from the count of samples before silence is put in or sound is cut out: time stamps
rounded to a millisecond and encoder delays stay below it, a viewer notices a little more."""

Samples = npt.NDArray[np.float32]

OnPosition = Callable[[float], None]


def read_sound(file: BinaryIO, audio_index: int | None = None, on_position: OnPosition | None = None) -> Samples | None:
    """Decode a media file's sound.

    Sample 0 is at the first video frame (at the first sound where there is no picture): sound that begins later is
    preceded by silence, sound that begins earlier is cut, gaps in the time stamps become silence.

    Args:
        file: a seekable media file.
        audio_index: of the wanted stream among the container's streams; the default audio stream if None or wrong.
        on_position: called now and then with the seconds decoded so far.

    Returns:
        Mono samples at `RATE`, -1 to 1, or None if there is no audio stream.

    Raises:
        Permanent: with `unreadable_media`.
    """
    try:
        with av.open(file, "r") as container:
            stream = _audio_stream(container, audio_index)
            return None if stream is None else _decode(container, stream, on_position)
    except av.FFmpegError as error:
        sentence = f"The sound of the video cannot be read: {error.strerror}."
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence) from error


def _audio_stream(container: InputContainer, index: int | None) -> AudioStream | None:
    for stream in container.streams.audio:
        if stream.index == index:
            return stream
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) else None


def _time_zero(container: InputContainer) -> float | None:
    """When the first video frame is shown by the container's clock, seconds; None without a picture."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return float((stream.start_time or 0) * (stream.time_base or 0))
    return None


def _decode(container: InputContainer, stream: AudioStream, on_position: OnPosition | None) -> Samples:
    line = _TimeLine(_time_zero(container))
    broken: av.FFmpegError | None = None
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                line.add(frame)
        except av.InvalidDataError as error:  # one damaged packet: what follows keeps its time
            broken = error
        if on_position is not None:
            on_position(line.seconds)
    samples = line.finish()
    if broken is not None and not len(samples):
        raise broken
    return samples


class _TimeLine:
    """Lays decoded frames end to end where their time stamps say.

    Args:
        zero: the time of sample 0 by the container's clock, seconds; None: that of the first frame.
    """

    def __init__(self, zero: float | None) -> None:
        self._zero = zero
        self._bytes = bytearray()  # grows in place; joining arrays would hold everything twice
        self._resampler: av.AudioResampler | None = None
        self._kind = ("", "", 0)
        self._end = 0.0
        self._skip = 0

    @property
    def seconds(self) -> float:
        """How far the line reaches."""
        return self._end

    def add(self, frame: av.AudioFrame) -> None:
        """Put a frame in its place."""
        start = self._end if frame.time is None else frame.time - (self._zero or 0.0)
        if self._zero is None and frame.time is not None:
            self._zero, start = frame.time, 0.0
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        resampler = self._resampler
        if resampler is None or kind != self._kind or abs(start - self._end) > TOLERANCE_SECONDS:
            resampler = self._move_to(start)
            self._kind = kind
        self._append(resampler.resample(frame))
        self._end += frame.samples / frame.sample_rate

    def finish(self) -> Samples:
        """Return all samples."""
        self._flush()
        return np.frombuffer(self._bytes, np.float32)

    def _move_to(self, seconds: float) -> av.AudioResampler:
        """Go on at `seconds` with a fresh resampler: silence fills a gap, what overlaps is skipped."""
        self._flush()
        missing = round(seconds * RATE) - len(self._bytes) // 4
        self._bytes.extend(bytes(4 * max(0, missing)))
        self._skip = max(0, -missing)
        self._end = seconds
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        return self._resampler

    def _flush(self) -> None:
        if self._resampler is not None:
            self._append(self._resampler.resample(None))
            self._resampler = None

    def _append(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            samples = frame.to_ndarray()[0]
            kept = samples[self._skip :]
            self._skip -= len(samples) - len(kept)
            self._bytes.extend(kept.tobytes())
