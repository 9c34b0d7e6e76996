"""Reading a clip from its source: pictures at a constant rate and sound, decoded once.

Time stamps become seconds from the source's first video frame. The clip's start is moved to the nearest point of the
frame grid (at most half a frame), for picture and sound alike, so that a source of constant rate gives every frame
exactly once however its container rounds time stamps; at a variable rate the nearest frame in time is shown.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO, Self

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.conversion import Converter, Deinterlacer
from clipmill.renderer.pictures import Picture
from clipmill.renderer.sound import Converter as SoundConverter
from clipmill.renderer.sound import Samples

IO_BUFFER_BYTES = 512 * 1024
"""What the demuxer asks the store for at a time."""

INTERLEAVE_SECONDS = 3.0
"""How far behind the picture a container may store the sound that goes with it."""

EARLIER_SECONDS = (0.0, 10.0, float("inf"))
"""How much before the start to look for a keyframe, should a container's index point too late."""

LOST_SECONDS = 2.0
"""How much of a damaged source's end may be missing and is shown as a still."""

HIGHEST_RATE = 60
"""Frames a second: what every platform plays."""

LOWEST_RATE = 20
"""Frames a second below which frames are shown more than once, because captions and camera move between them."""

USUAL_RATES = (
    Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(48), Fraction(50),
    Fraction(60000, 1001), Fraction(60),
)  # fmt: skip
"""Frame rates of cameras and platforms."""

RATE_TOLERANCE = 0.003
"""Relative distance from a usual rate that is taken for rounding; the nearest wins (24 and 23.976)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of sound.

    Attributes:
        samples: 48 kHz stereo.
        time: of the first one, seconds from the clip's start, negative before it.
    """

    samples: Samples
    time: float


@dataclass(frozen=True, slots=True)
class Glance:
    """A look at the source that is cheaper than its pictures.

    Attributes:
        frame: the clip's frame that is nearest to it in time.
        picture: maybe smaller than the pictures, of the same shape.
    """

    frame: int
    picture: Picture


class Source:
    """An open source. A context manager; what FFmpeg cannot read raises `Permanent` with `unreadable_media`.

    Args:
        file: seekable.
        audio_index: the stream to take the sound from; None for the one that players choose.
        threads: of the decoder, 0 for its own choice.
    """

    def __init__(self, file: BinaryIO, audio_index: int | None = None, threads: int = 0) -> None:
        self._container = _opened(file)
        if not self._container.streams.video:
            self._container.close()
            raise Permanent(ErrorCode.NO_VIDEO, "The file has no picture, only sound; clips need a video.")
        best = self._container.streams.best("video")
        self._video = best if isinstance(best, VideoStream) else self._container.streams.video[0]
        self._video.thread_type = "AUTO"
        self._video.codec_context.thread_count = threads
        self._audio = _audio_stream(self._container, audio_index)
        self._origin = float((self._video.start_time or 0) * _time_base(self._video))
        self._damaged = False
        self._size: tuple[float, int] | None = None
        self.rate = output_rate(self._video.average_rate, self._video.base_rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def has_sound(self) -> bool:
        """Whether there is an audio stream."""
        return self._audio is not None

    @property
    def size(self) -> tuple[float, int]:
        """Width and height of the pictures as they are shown, in units of a row's height.

        Raises:
            Permanent: with `unreadable_media` if not a single picture can be decoded.
        """
        if self._size is None:
            picture = next(self.pictures(0.0, 1))
            self._size = picture.shown_width, picture.height
        return self._size

    def snapped(self, time: float) -> float:
        """Return the point of the frame grid that is nearest to `time`, seconds."""
        return float(round(time * self.rate) / self.rate)

    def glances(self, start: float, frames: int) -> Iterator[Glance | Sound]:
        """Yield pictures sparsely, in order, and all the sound of a clip.

        Args:
            start: seconds, on the frame grid.
            frames: how many the clip has.
        """
        step = max(1, round(self.rate / 12))
        index = 0
        for item in self.read(start, frames):
            if isinstance(item, Sound):
                yield item
                continue
            if index % step == 0:
                yield Glance(index, item)
            index += 1

    def pictures(self, start: float, frames: int) -> Iterator[Picture]:
        """Yield exactly `frames` pictures at `rate` from `start` on; see `read`."""
        for item in self.read(start, frames):
            if isinstance(item, Picture):
                yield item

    def read(self, start: float, frames: int) -> Iterator[Picture | Sound]:
        """Yield exactly `frames` pictures at `rate` from `start` on, and the sound along with them.

        A picture that is shown again is the same object again. Past the source's end its last picture is held.

        Args:
            start: seconds, on the frame grid.
            frames: how many.

        Raises:
            Permanent: with `unreadable_media` if not a single picture can be decoded, or if damage ends the pictures
                long before the clip does.
        """
        converter = Converter(float(self._video.sample_aspect_ratio or 1))
        sound = _SoundReader(self._origin + start)
        half = 0.5 / float(self.rate)
        shown, held, picture = 0, None, None
        with _readable():
            for frame in self._frames(start, start + frames / float(self.rate) + half):
                if isinstance(frame, av.AudioFrame):
                    yield sound.read(frame)
                    continue
                time = self._time(frame) - start
                while held is not None and shown < frames and shown / float(self.rate) + half < time:
                    picture = picture or converter.convert(held)
                    shown += 1
                    yield picture
                held, picture = frame, None
            if held is None:
                raise Permanent(ErrorCode.UNREADABLE_MEDIA, f"No picture could be decoded at {start:.1f} s or after.")
            if self._damaged and frames - shown > LOST_SECONDS * self.rate:
                reached = start + shown / float(self.rate)
                sentence = f"The video is damaged: it can be decoded only up to {reached:.1f} s."
                raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence)
            picture = picture or converter.convert(held)
        yield from [picture] * (frames - shown)
        yield sound.rest()

    def _frames(self, start: float, stop: float) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Yield decoded frames, interlaced pictures made progressive, from at or before `start`."""
        for earlier in EARLIER_SECONDS:
            self._seek(max(0.0, start - earlier))
            deinterlacer = Deinterlacer()
            waiting: list[av.AudioFrame] = []
            found = False
            for frame in self._decoded(stop):
                if isinstance(frame, av.AudioFrame):
                    if found:
                        yield frame
                    else:
                        waiting.append(frame)
                    continue
                late = self._time(frame) > start + 0.5 / float(self.rate)
                if not found and late and start > earlier:
                    break
                if not found:
                    found = True
                    yield from waiting
                yield from deinterlacer.push(frame)
            yield from deinterlacer.flush()
            if found:
                return

    def _seek(self, time: float) -> None:
        position = int((time + self._origin) / _time_base(self._video))
        try:
            self._container.seek(position, stream=self._video, backward=True)
        except av.error.FFmpegError:  # a container without an index: read it from where it stands
            self._container.seek(0)

    def _decoded(self, stop: float) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Yield frames in the order of decoding until both streams have passed `stop`; a damaged packet is left out."""
        streams: list[VideoStream | AudioStream] = [self._video, *([self._audio] if self._audio else [])]
        pending = set(streams)
        for packet in self._packets(streams):
            stream = packet.stream
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is not None:
                time = float(stamp * _time_base(stream)) - self._origin
                if time > stop:
                    pending.discard(stream)
                if not pending or (stream is self._video and time > stop + INTERLEAVE_SECONDS):
                    break
            if stream in pending:
                yield from self._decoded_packet(packet)
        if self._video not in pending:  # left before the end, where the demuxer flushes by itself
            yield from self._video.codec_context.decode(None)

    def _packets(self, streams: list[VideoStream | AudioStream]) -> Iterator["av.Packet[av.stream.Stream]"]:
        try:
            yield from self._container.demux(streams)
        except av.error.FFmpegError:
            self._damaged = True

    def _decoded_packet(self, packet: "av.Packet[av.stream.Stream]") -> Iterator[av.VideoFrame | av.AudioFrame]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self._damaged = True
            return
        for frame in frames:
            if isinstance(frame, av.VideoFrame | av.AudioFrame):
                yield frame

    def _time(self, frame: av.VideoFrame) -> float:
        """Seconds from the source's first video frame."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        return float((stamp or 0) * (frame.time_base or _time_base(self._video))) - self._origin


class _SoundReader:
    """Gives decoded audio its place on the clip's time line; `begin` is the clip's start in container time."""

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._converter = SoundConverter()
        self._end = 0.0

    def read(self, frame: av.AudioFrame) -> Sound:
        time = self._end if frame.pts is None else float(frame.pts * (frame.time_base or 0)) - self._begin
        self._end = time + frame.samples / frame.sample_rate
        return Sound(self._converter.convert(frame), time)

    def rest(self) -> Sound:
        return Sound(self._converter.flush(), self._end)


def output_rate(average: Fraction | None, base: Fraction | None) -> Fraction:
    """Return the constant frame rate to render at.

    Args:
        average: frames divided by duration, as the container has it.
        base: the lowest rate at which all time stamps fall on frames; for a variable rate, the finest step that the
            source takes (or nonsense, such as 90,000).
    """
    rate = next((rate for rate in (base, average) if rate and rate <= HIGHEST_RATE), None) or average or base
    if not rate or rate <= 0:
        return Fraction(25)
    if average and rate > average * 4:
        rate = average
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - rate))
    if abs(nearest - rate) <= RATE_TOLERANCE * nearest:
        return nearest
    while rate > HIGHEST_RATE:
        rate /= 2
    while rate < LOWEST_RATE:
        rate *= 2
    return rate.limit_denominator(1001)


def _opened(file: BinaryIO) -> InputContainer:
    if not file.seek(0, os.SEEK_END):
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "The video cannot be decoded: the file is empty.")
    file.seek(0)
    try:
        with _readable():
            return av.open(file, "r", buffer_size=IO_BUFFER_BYTES)
    except ValueError as error:  # a demuxer that trusts a broken file seeks to before its start
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "The video cannot be decoded: it is damaged.") from error


def _audio_stream(container: InputContainer, index: int | None) -> AudioStream | None:
    chosen = container.streams[index] if index is not None and index < len(container.streams) else None
    if isinstance(chosen, AudioStream):
        return chosen
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) else None


def _time_base(stream: VideoStream | AudioStream | av.stream.Stream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        raise Permanent(
            ErrorCode.UNREADABLE_MEDIA, f"The video cannot be decoded: {error.strerror or error}."
        ) from error
