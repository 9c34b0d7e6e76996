"""Demuxing a source with FFmpeg: its streams, and their decoded frames from a point in time on.

Times are seconds from the source's first video frame, as in every stage.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from fractions import Fraction
from itertools import islice
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.reading.timed_frames import TimedPicture, TimedSound

IO_BUFFER_BYTES = 128 * 1024
"""Bytes that the demuxer reads at a time."""

INTERLEAVE_SECONDS = 3.0
"""Longest distance at which a container may store sound after its picture."""

EARLIER_SECONDS = (0.0, 10.0, float("inf"))
"""Times before the start at which to look for a keyframe, in turn, if a container's index points too late."""

SOUND_ALONE_SECONDS = 10.0
"""Length of the sound read beyond the end while pictures are missing there; then the pictures count as absent."""

PROMISED_SECONDS = 1.0
"""Time by which the stated duration may exceed the last picture read although no other picture follows."""

COUNTED_PACKETS = 120
"""Pictures whose times give the rate where the container states none: two to five seconds."""

REORDERED_PACKETS = 16
"""Number of pictures by which a picture may be stored before its turn (ITU-T H.264, `max_dec_frame_buffering`). So
this many latest pictures are left out when pictures are counted: others between them may still be to come."""

MOST_THREADS = 4
"""Threads of the decoder by default: each holds a picture, and four are twice as fast as the encoder."""

MOST_PIXELS = 2 * 7680 * 4320
"""Most samples of a picture, twice those of 8K: larger dimensions are a mistake or an attack on the memory."""

CHEAP_DECODER = {"skip_loop_filter": "all"}
"""FFmpeg's option to leave out the smoothing of block edges, which frame samples do not need."""


class Detail(Enum):
    """The pictures that are decoded, by FFmpeg's name for those that are left out."""

    KEYS = "NONKEY"
    """Key frames alone."""
    REFERENCES = "NONREF"
    """Pictures that others refer to."""
    EVERY = "DEFAULT"
    """All pictures, decoded cheaply without the loop filter."""
    FULL = "NONE"
    """All pictures in full quality."""


class Demuxer:
    """An open source, read from one place at a time.

    Args:
        file: Seekable file.
        audio_index: Index of the stream to take the sound from; None for the one that players choose.
        threads: Threads of the decoder; 0 for the default.

    Attributes:
        damaged: True if pictures could not be read or decoded since `read` began.
        ended: True if the pictures ended before the point up to which `read` should give them.

    Raises:
        Permanent: `unreadable_media` if FFmpeg cannot read the file, `no_video` if it has no picture.
    """

    def __init__(self, file: BinaryIO, audio_index: int | None, threads: int) -> None:
        self._file = file
        self._audio_index = audio_index
        self._threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._detail = Detail.KEYS
        self.damaged = False
        self.ended = False
        self._last = 0.0
        self._open()
        self._origin = float((self.video.start_time or 0) * _time_base(self.video))

    def _open(self) -> None:
        self._container = _opened(self._file)
        try:
            self.video = _video_stream(self._container)
        except Permanent:
            self.close()
            raise
        self.audio = _audio_stream(self._container, self._audio_index)
        for stream in self._container.streams:
            stream.discard = Discard.default if stream in (self.video, self.audio) else Discard.all
        context = self.video.codec_context
        smoothing = {} if self._detail is Detail.FULL else CHEAP_DECODER
        context.options = {"max_pixels": str(MOST_PIXELS), **smoothing}
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        context.skip_frame = self._detail.value
        self._fresh = True

    def close(self) -> None:
        """Free the decoders."""
        self._container.close()

    def choose(self, detail: Detail) -> None:
        """Choose the pictures that the next reads decode.

        The container is opened again where an open decoder would ignore the choice: dav1d reads it only when it opens,
        and all decoders read the choice of the loop filter only then.
        """
        before, self._detail = self._detail, detail
        fixed_at_opening = self.video.codec_context.name == "libdav1d" or Detail.FULL in {before, detail}
        if detail is not before and fixed_at_opening:
            self._reopen()
        self.video.codec_context.skip_frame = detail.value

    def every_picture(self) -> None:
        """Decode every picture from now on, in the midst of reading, where the decoder can."""
        self._detail = Detail.EVERY
        self.video.codec_context.skip_frame = self._detail.value

    def _reopen(self) -> None:
        self.close()
        self._open()

    @property
    def duration(self) -> float | None:
        """Duration of the pictures in seconds, None if the container does not state it."""
        if self.video.duration is not None:
            return float(self.video.duration * _time_base(self.video))
        return _clock(self.video.metadata.get("DURATION", ""))  # Matroska, as FFmpeg and mkvmerge write it

    @property
    def interlaced(self) -> bool:
        """True if the stream states that its frames have two fields (AVFieldOrder: 0 unknown, 1 progressive)."""
        return self.video.codec_context.field_order > 1

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a sample over its height, before any rotation; an implausible ratio counts as square."""
        ratio = self.video.sample_aspect_ratio or self.video.codec_context.sample_aspect_ratio
        return ratio if ratio and Fraction(1, 8) <= ratio <= 8 else Fraction(1)

    def read(
        self, start: float, stop: float, *, late: float = 0.0, lead: float = 0.0, sound: bool = False
    ) -> Iterator[TimedPicture | TimedSound]:
        """Yield decoded frames in the order of decoding, beginning at or before `start` if there are any.

        Args:
            start: Start of the read, in seconds.
            stop: Time up to which all streams are read, and a little beyond, in seconds.
            late: Longest time from `start` to the first picture, in seconds; if it is longer, the search for a picture
                begins earlier.
            lead: Time before `start` from which sound is read, in seconds.
            sound: True to decode sound too.
        """
        self.damaged = False
        for earlier in EARLIER_SECONDS:
            self.seek(start - max(lead, earlier))
            waiting: list[TimedSound] = []
            found = False
            for timed in self._decoded(stop, sound=sound, keyed=earlier <= start):
                if isinstance(timed, TimedSound) and not found:
                    waiting.append(timed)
                    continue
                if isinstance(timed, TimedPicture) and not found:
                    if start > earlier and timed.time > start + late:
                        break
                    found = True
                    yield from waiting
                yield timed
            if found:
                return

    def seek(self, time: float) -> None:
        """Go to the last key frame at or before `time`, as far as the index knows it; 0 is the beginning."""
        self._last = time
        if time <= 0:
            if not self._fresh:  # seeking to 0 may miss the first packets: transport streams count by packets' times
                self._reopen()
            return
        self._fresh = False
        position = int((time + self._origin) / _time_base(self.video))
        try:
            self._container.seek(position, stream=self.video, backward=True)
        except (av.error.FFmpegError, OverflowError):  # no index: read from the beginning
            self._reopen()

    def _decoded(self, stop: float, *, sound: bool, keyed: bool) -> Iterator[TimedPicture | TimedSound]:
        """Yield frames in the order of decoding until all streams have passed `stop`, without damaged packets.

        If the pictures end before `stop`, the rest of the sound is not read, unless the container states that there are
        more pictures: these may be stored well after their sound.

        Args:
            stop: Time up to which all streams are read, and a little beyond, in seconds.
            sound: True to decode sound too.
            keyed: True to leave out pictures before the first key frame: they refer to missing ones.
        """
        pending: set[Stream] = {self.video} if self.audio is None or not sound else {self.video, self.audio}
        reached: float | None = None
        self.ended, flushed = False, True
        for packet in self._packets([self.video] if self.audio is None else [self.video, self.audio]):
            stream = packet.stream
            time = self._packet_time(packet)
            if time is not None:
                if time > stop:
                    pending.discard(stream)
                if stream is self.video:
                    reached = time + float((packet.duration or 0) * _time_base(stream))
                if not pending or self._far_enough(stream, time - stop, reached):
                    flushed = False
                    break
            if stream is self.video and keyed and time is not None:
                if not packet.is_keyframe:
                    continue
                keyed = False
            if stream in pending:
                yield from self._decoded_packet(packet)
        self.ended = self.video in pending
        if not (self.ended and flushed):  # at its end the demuxer flushes by itself
            yield from map(self._timed, self.video.codec_context.decode(None))

    def _far_enough(self, stream: Stream, beyond: float, reached: float | None) -> bool:
        """Return whether nothing more is expected, after a packet of `stream`.

        Args:
            stream: Stream of the packet.
            beyond: Time from the end of the read to the packet, in seconds.
            reached: Time that the pictures have reached, in seconds; None before the first one.
        """
        if stream is self.video:
            return beyond > INTERLEAVE_SECONDS
        promised = self.duration is not None and reached is not None and self.duration > reached + PROMISED_SECONDS
        return beyond > SOUND_ALONE_SECONDS and reached is not None and not promised

    def first_sound(self, within: float) -> float | None:
        """Return the time of the next stored sound, None if there is none before a picture at `within`, in seconds."""
        if self.audio is None:
            return None
        for packet in self._packets([self.video, self.audio]):
            time = self._packet_time(packet)
            if time is not None and packet.stream is self.audio:
                return time
            if time is not None and time > within:
                return None
        return None

    def counted_rate(self) -> float:
        """Return the frames per second by the times of the next stored pictures, 0 if they are too few."""
        stamps = (packet.pts for packet in self._packets([self.video]) if packet.pts is not None)
        times = sorted(islice(stamps, COUNTED_PACKETS))[:-REORDERED_PACKETS]
        passed = (times[-1] - times[0]) * _time_base(self.video) if times else 0
        return float((len(times) - 1) / passed) if passed else 0.0

    def _timed(self, frame: av.VideoFrame) -> TimedPicture:
        """Give a picture its time; one without a time stamp follows the one before."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None:
            self._last += 1 / float(self.video.average_rate or 25)
        else:
            self._last = float(stamp * (frame.time_base or _time_base(self.video))) - self._origin
        length = float((frame.duration or 0) * (frame.time_base or _time_base(self.video)))
        return TimedPicture(frame, self._last, length)

    def _timed_sound(self, frame: av.AudioFrame) -> TimedSound:
        time = None if frame.pts is None else float(frame.pts * (frame.time_base or 0)) - self._origin
        return TimedSound(frame, time)

    def _packet_time(self, packet: "av.Packet[Stream]") -> float | None:
        stamp = packet.dts if packet.dts is not None else packet.pts
        return None if stamp is None else float(stamp * _time_base(packet.stream)) - self._origin

    def _packets(self, streams: list[VideoStream | AudioStream]) -> Iterator["av.Packet[Stream]"]:
        self._fresh = False
        while True:
            try:
                yield from self._container.demux(streams)
            except av.error.FFmpegError:
                self.damaged = True
            except IndexError:  # a packet of a stream that was not there at the start: PyAV does not know it
                continue
            return

    def _decoded_packet(self, packet: "av.Packet[Stream]") -> Iterator[TimedPicture | TimedSound]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.damaged = self.damaged or packet.stream is self.video
            return
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                yield self._timed(frame)
            elif isinstance(frame, av.AudioFrame):
                yield self._timed_sound(frame)


def decodable(stream: Stream) -> bool:
    """Return whether FFmpeg has a decoder for a stream; without one its context is None, contrary to PyAV's types."""
    context: CodecContext | None = stream.codec_context
    return context is not None


@contextmanager
def readable() -> Iterator[None]:
    """Turn FFmpeg's errors into `Permanent` with the code `unreadable_media`."""
    try:
        yield
    except av.error.FFmpegError as error:
        reason = error.strerror or error
        sentence = f"The video cannot be decoded ({reason}); submit an undamaged file or convert it to MP4."
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence) from error


def _opened(file: BinaryIO) -> InputContainer:
    if not file.seek(0, os.SEEK_END):
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "The file is empty and cannot be decoded; submit the video again.")
    file.seek(0)
    try:
        with readable():
            return av.open(file, "r", buffer_size=IO_BUFFER_BYTES, metadata_errors="replace")
    except ValueError as error:  # a demuxer that trusts a broken file seeks to before its start
        sentence = "The video is damaged and cannot be decoded; submit an undamaged file."
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence) from error


def _video_stream(container: InputContainer) -> VideoStream:
    streams = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not streams:
        raise Permanent(ErrorCode.NO_VIDEO, "The file has sound but no picture; submit a video.")
    best = container.streams.best("video")
    chosen = next((one for one in streams if one is best), streams[0])
    if not decodable(chosen):
        sentence = "The video has an unknown format and cannot be decoded; convert it to MP4."
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence)
    width, height = chosen.codec_context.width, chosen.codec_context.height
    if width * height > MOST_PIXELS:
        sentence = f"The picture of {width}x{height} pixels is too large; submit a video of 8K or less."
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence)
    return chosen


def _audio_stream(container: InputContainer, index: int | None) -> AudioStream | None:
    """Return the first that can be decoded: the stream `index`, the one that players choose, any other."""
    asked = container.streams[index] if index is not None and index < len(container.streams) else None
    for stream in (asked, container.streams.best("audio"), *container.streams.audio):
        if isinstance(stream, AudioStream) and decodable(stream):
            return stream
    return None


def _time_base(stream: Stream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


def _clock(text: str) -> float | None:
    """Return the seconds of a duration such as 00:01:02.500000000."""
    parts = text.split(":")
    try:
        return float(sum(float(part) * 60.0**power for power, part in enumerate(reversed(parts))))
    except ValueError:
        return None
