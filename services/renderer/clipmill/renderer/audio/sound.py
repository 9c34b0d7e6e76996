"""The clip's sound: one unbroken sequence of 48 kHz stereo samples, placed by their time stamps."""

from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 48_000
"""Sample rate in Hz that every platform takes and video editors use."""

CHANNELS = 2

TOLERANCE_SAMPLES = SAMPLE_RATE * 30 // 1000
"""Error of a time stamp (30 ms) up to which it is rounding or jitter and samples are joined directly. Beyond it the
time stamp wins: a gap becomes silence and an overlap is dropped, so sound never drifts from the picture."""

Samples = npt.NDArray[np.float32]
"""Channels by samples; full scale is 1."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of sound.

    Attributes:
        samples: Samples, 48 kHz stereo.
        time: Time of the first sample, in seconds from the clip's start, negative before it.
    """

    samples: Samples
    time: float


class Converter:
    """Turns decoded audio of any rate, layout and format into 48 kHz stereo floats.

    Channels that FFmpeg cannot mix (ambisonics, a back pair alone) do not fail the clip. The first channel, which is
    the omnidirectional one of ambisonics, is heard on both sides; if even that fails, the frame is silent.

    Attributes:
        reduced: True if a frame had only its first channel, or none.
    """

    def __init__(self) -> None:
        self._resampler: av.AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._first_only = False
        self.reduced = False

    def convert(self, frame: av.AudioFrame) -> Samples:
        """Return the samples of `frame`; the next call may return a few of them.

        Args:
            frame: Decoded frame; rate, layout and format may change from one call to the next.
        """
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        left = silence(0)
        if form != self._form:
            left = self.flush()
            self._resampler, self._form, self._first_only = _resampler(), form, False
        frame.pts = None  # `Timeline` places the samples
        return _joined([left, self._mapped(frame)])

    def flush(self) -> Samples:
        """Return the remaining samples."""
        left = silence(0) if self._resampler is None else _resampled(self._resampler, None)
        self._resampler = self._form = None
        return left

    def _mapped(self, frame: av.AudioFrame) -> Samples:
        if not self._first_only and self._resampler is not None:
            try:
                return _resampled(self._resampler, frame)
            except av.error.FFmpegError:
                self._resampler, self._first_only, self.reduced = _resampler(), True, True
        if self._resampler is not None:
            try:
                return _resampled(self._resampler, _first_channel(frame))
            except (av.error.FFmpegError, ValueError):  # PyAV makes arrays of the usual sample formats only
                self._resampler = None
        return silence(round(frame.samples * SAMPLE_RATE / frame.sample_rate))


class Timeline:
    """Places samples on the clip's time line from sample 0 to its end, and fills gaps with silence.

    Args:
        length: Length of the clip, in samples.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._position: int | None = None
        self._given = 0

    @property
    def given(self) -> int:
        """Return the number of samples returned so far: the position of the next one."""
        return self._given

    def lay(self, samples: Samples, time: float) -> Samples:
        """Return the part of the time line that `samples` complete, which may be empty.

        Args:
            samples: The next samples.
            time: Time of the first of them, in seconds from the clip's start; may be negative.
        """
        stamped = round(time * SAMPLE_RATE)
        if self._position is None or abs(stamped - self._position) > TOLERANCE_SAMPLES:
            self._position = stamped
        begin, self._position = self._position, self._position + samples.shape[1]
        if begin < self._given:
            samples = samples[:, self._given - begin :]
            begin = self._given
        if not samples.shape[1]:
            return silence(0)
        room = max(0, self._length - begin)
        return self._give(_joined([silence(min(begin, self._length) - self._given), samples[:, :room]]))

    def advance(self, to: int) -> Samples:
        """Return silence up to sample `to`, for a stream that has no sound there."""
        return self._give(silence(max(0, min(to, self._length) - self._given)))

    def rest(self) -> Samples:
        """Return the silence up to the clip's end."""
        return self.advance(self._length)

    def _give(self, samples: Samples) -> Samples:
        self._given += samples.shape[1]
        return samples


def silence(count: int) -> Samples:
    """Return `count` samples of silence."""
    return np.zeros((CHANNELS, count), np.float32)


def _resampler() -> av.AudioResampler:
    return av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)


def _resampled(resampler: av.AudioResampler, frame: av.AudioFrame | None) -> Samples:
    return _joined([np.asarray(out.to_ndarray(), np.float32) for out in resampler.resample(frame)])


def _first_channel(frame: av.AudioFrame) -> av.AudioFrame:
    samples = frame.to_ndarray()
    first = samples[:1] if frame.format.is_planar else samples[:, :: frame.layout.nb_channels]
    mono = av.AudioFrame.from_ndarray(first.copy(), format=frame.format.name, layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono


def _joined(parts: list[Samples]) -> Samples:
    return np.concatenate(parts, axis=1) if parts else silence(0)
