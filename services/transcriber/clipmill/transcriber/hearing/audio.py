"""The sound of a source as a recogniser needs it: 16 kHz mono float32 on the timeline of the picture."""

from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from clipmill.contracts.failures import ErrorCode, Permanent

RATE = 16_000
"""Sample rate that Whisper was trained on, in samples per second."""

TOLERANCE_SECONDS = 0.1
"""Largest difference between a time stamp and the count of samples that is ignored. Beyond it, silence is inserted or
sound is cut. Rounded time stamps and encoder delays stay below it, and viewers notice only a little more."""

BLOCK_SECONDS = 600
"""Length of a block: memory holds ten minutes of sound (38 MB) at a time, however long the source is."""

OVERTIME_SECONDS = 60.0
"""Longest sound kept after the end of the picture: only broken time stamps put sound later."""

LEAD_SECONDS = 2.0
"""Sound that is decoded before a start in the middle of a source and thrown away. Decoders need a moment to settle (80
ms for Opus, RFC 7845), and files store sound up to a second away from its picture."""

Samples = npt.NDArray[np.float32]


def read_sound(
    file: BinaryIO,
    audio_index: int | None = None,
    duration: float | None = None,
    block: int = BLOCK_SECONDS * RATE,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[Samples]:
    """Decode a media file's sound, or a part of it, block by block.

    Time 0 is at the first video frame, or at the first sound if there is no picture. Silence precedes sound that begins
    later and fills gaps in the time stamps; sound that begins earlier is cut. Sound before `start` is not even read,
    except for a moment, and reading ends at `end`.

    Args:
        file: Seekable media file.
        audio_index: Index of the audio stream among the container's streams; None or a wrong index selects the default
            audio stream.
        duration: Duration of the source, in seconds; sound that begins more than `OVERTIME_SECONDS` after it is left
            out. None keeps all sound.
        block: Number of samples in a block, whole seconds. The last block may be shorter, and so may the first one,
            which ends on a whole second of the source.
        start: Time of the first sample, in seconds.
        end: Time after the last sample, in seconds; None for the end of the sound.

    Yields:
        Mono samples at `RATE`, -1 to 1; nothing if there is no audio stream.

    Raises:
        Permanent: with `unreadable_media`.
    """
    limit = None if duration is None else duration + OVERTIME_SECONDS
    try:
        # Importing torchvision turns on PyAV's log. A decoder thread that logs waits for the interpreter, while closing
        # the decoder holds the interpreter and waits for the thread: a deadlock. So the log is turned off here.
        av.logging.set_level(None)
        with _opened(file, audio_index, start - LEAD_SECONDS) as container:
            stream = _audio_stream(container, audio_index)
            if stream is not None:
                zero = _time_zero(container, stream) if start else _picture_start(container)
                yield from _blocks(container, stream, _Timeline(zero, limit, start, end), block)
    except av.FFmpegError as error:
        sentence = f"The sound of the video cannot be read ({error.strerror}); submit a video whose sound plays."
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence) from error


def _audio_stream(container: InputContainer, index: int | None) -> AudioStream | None:
    for stream in container.streams.audio:
        if stream.index == index:
            return stream
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) else None


def _picture_start(container: InputContainer) -> float | None:
    """Return the time of the first video frame by the container's clock, in seconds; None without a picture."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return float((stream.start_time or 0) * (stream.time_base or 0))
    return None


def _time_zero(container: InputContainer, stream: AudioStream) -> float:
    """Return the time of the first video frame, or else of the first sound, by the container's clock, in seconds."""
    picture = _picture_start(container)
    return float((stream.start_time or 0) * (stream.time_base or 0)) if picture is None else picture


def _opened(file: BinaryIO, index: int | None, time: float) -> InputContainer:
    """Open a file so that its sound comes from `time` on, in seconds, or from a little before.

    A file whose sound is stored far from its picture, or whose index is damaged, is read from its beginning.
    """
    container = av.open(file, "r")
    stream = _audio_stream(container, index)
    if stream is None or time <= 0 or _skips(container, stream, time):
        return container
    container.close()
    file.seek(0)
    return av.open(file, "r")


def _skips(container: InputContainer, stream: AudioStream, time: float) -> bool:
    """Go to the sound at `time`, in seconds, and return whether it is certain that none after `time` was skipped."""
    target = _time_zero(container, stream) + time
    # Only an index leads to a place without reading all before it. Matroska has one of the picture alone.
    entries = stream.index_entries
    indexed = len(entries) > 0 and entries[len(entries) - 1].timestamp * (stream.time_base or 0) >= target
    guide = stream if indexed else next(iter(container.streams.video), stream)
    place = int(target / (guide.time_base or 1))
    try:
        container.seek(place, stream=guide)
        first = next((packet.pts for packet in container.demux(stream) if packet.pts is not None), None)
        container.seek(place, stream=guide)
    except av.FFmpegError:
        return False
    return first is not None and first * (stream.time_base or 0) <= target


def _blocks(container: InputContainer, stream: AudioStream, line: "_Timeline", block: int) -> Iterator[Samples]:
    broken: av.FFmpegError | None = None
    heard = False
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                line.add(frame)
                while (samples := line.take(block)) is not None:
                    heard = True
                    yield samples
        except av.InvalidDataError as error:  # one damaged packet; the packets after it keep their times
            broken = error
        if line.complete:
            break
    line.finish()
    while (samples := line.take(block, rest=True)) is not None:
        heard = True
        yield samples
    if broken is not None and not heard:
        raise broken


class _Timeline:
    """Samples of decoded frames, each at the place that its time stamp says.

    Args:
        zero: Time 0 by the container's clock, in seconds; None takes the time of the first frame.
        limit: Time after which frames are left out, in seconds; None keeps all frames.
        start: Time of the first sample that is kept, in seconds.
        end: Time after the last sample that is kept, in seconds; None keeps all samples.

    Attributes:
        complete: True once a frame has begun at the end or after it.
    """

    def __init__(self, zero: float | None, limit: float | None, start: float = 0.0, end: float | None = None) -> None:
        self.complete = False
        self._zero = zero
        self._limit = limit
        self._bytes = bytearray()  # grows in place; joining arrays would hold all samples twice
        self._taken = round(start * RATE)  # samples before the next one, counted from time 0
        self._stop = None if end is None else round(end * RATE)
        self._resampler: av.AudioResampler | None = None
        self._kind = ("", "", 0)
        self._end = start
        self._skip = 0

    def add(self, frame: av.AudioFrame) -> None:
        """Put a frame in its place."""
        start = self._end if frame.time is None else frame.time - (self._zero or 0.0)
        if self._zero is None and frame.time is not None:
            self._zero, start = frame.time, 0.0
        if self._limit is not None and start > self._limit:
            return
        if self._stop is not None and start * RATE >= self._stop:
            self.complete = True
            return
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        resampler = self._resampler
        if resampler is None or kind != self._kind or abs(start - self._end) > TOLERANCE_SECONDS:
            resampler = self._move_to(start)
            self._kind = kind
        self._append(resampler.resample(frame))
        self._end += frame.samples / frame.sample_rate

    def finish(self) -> None:
        """Append the samples that the resampler still holds."""
        self._flush()

    def take(self, count: int, *, rest: bool = False) -> Samples | None:
        """Remove the next block and return it, None if it is not complete.

        Args:
            count: Number of samples up to the end of the block; the first block may begin in the middle of a second.
            rest: True to return an incomplete block if there are any samples at all.
        """
        there = len(self._bytes) // 4
        wanted = count - self._taken % RATE
        if self._stop is not None:
            there = min(there, self._stop - self._taken)
            wanted = min(wanted, self._stop - self._taken)
        if there <= 0 or (there < wanted and not rest):
            return None
        size = min(wanted, there)
        samples = np.frombuffer(bytes(self._bytes[: 4 * size]), np.float32)
        del self._bytes[: 4 * size]
        self._taken += size
        return samples

    def _move_to(self, seconds: float) -> av.AudioResampler:
        """Continue at `seconds` with a new resampler: fill a gap with silence, skip samples that overlap."""
        self._flush()
        missing = round(seconds * RATE) - self._taken - len(self._bytes) // 4
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
