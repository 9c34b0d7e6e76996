"""Reading a clip from its source: sparse frame samples with all its sound, then every picture.

Time stamps become seconds from the source's first video frame. The clip's start is moved to the nearest point of the
frame grid (at most half a frame), for picture and sound alike. A source of constant rate then gives every frame
exactly once, however its container rounds time stamps; at a variable rate the nearest frame in time is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO, Self

import av
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.audio.sound import Converter as SoundConverter
from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.pictures import Picture
from clipmill.renderer.reading.conversion import SMALL_SHORT_SIDE, Converter, Geometry
from clipmill.renderer.reading.deinterlacing import Deinterlacer
from clipmill.renderer.reading.demuxing import INTERLEAVE_SECONDS, Demuxer, Detail, readable
from clipmill.renderer.reading.rates import output_rate, plausible
from clipmill.renderer.reading.timed_frames import TimedPicture, TimedSound

LOST_SECONDS = 1.0
"""Longest part of a damaged source's end that may be missing; its last picture stands in for it."""

SAMPLE_SECONDS = 1 / 15
"""Least time between two frame samples: faces are searched for less often, and mouths move more slowly."""

GAP_SECONDS = 0.17
"""Longest time between two reference pictures at which these alone are enough: 6 a second catch every syllable."""

GAP_PROBE_SECONDS = 1.0
"""Time read to decide whether they are enough: several groups of pictures between two reference pictures."""

LATE_SOUND_SECONDS = 0.03
"""Longest delay of the sound's beginning after the clip's; with more, sound may be stored before the first picture."""


@dataclass(frozen=True, slots=True)
class FrameSample:
    """A frame of the source for the survey, read more cheaply than the pictures to draw.

    Attributes:
        frame: Number of the clip's frame that is nearest in time.
        picture: Picture of the same shape as those to draw, maybe smaller.
    """

    frame: int
    picture: Picture


class Source:
    """An open source, used as a context manager. Media that FFmpeg cannot read raises `Permanent`, `unreadable_media`.

    Args:
        file: Seekable file.
        audio_index: Index of the stream to take the sound from; None for the one that players choose.
        threads: Threads of the decoder; 0 for the default.
        near: Start of the clip, in seconds; its pictures decide the size if it changes in mid-stream.
        frame_rate: Average frames per second, for containers that state nothing usable; 0 to count the first pictures.

    Attributes:
        rate: Frames per second of the pictures.
        has_sound: True if the source has sound.
        sound_reduced: True if only one channel of the sound, or none, could be used; known once `frame_samples` ended.

    Raises:
        Permanent: `unreadable_media` if not a single picture can be decoded, `no_video` if there are none.
    """

    def __init__(
        self,
        file: BinaryIO,
        audio_index: int | None = None,
        threads: int = 0,
        near: float = 0.0,
        *,
        frame_rate: float = 0.0,
    ) -> None:
        self._demuxer = Demuxer(file, audio_index, threads)
        self.rate = self._rate(frame_rate)
        self.has_sound = self._demuxer.audio is not None
        self.sound_reduced = False
        try:
            self._geometry = Geometry.of(self._frame_at(near), self._demuxer.pixel_aspect)
        except Permanent:
            self._demuxer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._demuxer.close()

    @property
    def size(self) -> tuple[float, int]:
        """Width and height of the pictures as they are shown, in units of a row's height."""
        return self._geometry.shown

    def snapped(self, time: float) -> float:
        """Return the point of the frame grid that is nearest to `time`, in seconds."""
        return float(round(time * self.rate) / self.rate)

    def frame_samples(self, start: float, frames: int) -> Iterator[FrameSample | Sound]:
        """Yield frame samples of a clip, in order, and all its sound along with them.

        Only reference pictures are decoded, or all where those are too far apart, and at most 15 a second are given.
        Of an interlaced picture only one field is kept, which has half the rows.

        Args:
            start: Start of the clip, in seconds, on the frame grid.
            frames: Number of the clip's frames.

        Raises:
            Permanent: The pictures cannot be read, as in `pictures`.
        """
        demuxer = self._demuxer
        converter = Converter(self._geometry.limited(SMALL_SHORT_SIDE), for_sampling=True)
        sound = _SoundReader()
        last, due, early, end = -1, float("-inf"), None, None
        stop = frames / float(self.rate)
        with readable():
            demuxer.choose(self._enough(start))
            lead, reached = self._sound_lead(start), None
            for timed in demuxer.read(start, start + stop, late=self._half_frame, lead=lead, sound=True):
                if isinstance(timed, TimedSound):
                    yield sound.read(timed, start)
                    continue
                time = timed.time - start
                if reached is not None and time - reached > GAP_SECONDS:
                    demuxer.every_picture()
                reached, end = time, time + timed.length
                index = min(round(time * self.rate), frames - 1)
                if index < 0:
                    early = timed.frame
                elif index > last and time >= due and time < stop:
                    if early is not None and index > SAMPLE_SECONDS * self.rate:
                        yield FrameSample(0, converter.convert(early))
                    yield FrameSample(index, converter.convert(timed.frame))
                    early, last, due = None, index, time + SAMPLE_SECONDS - 0.25 / float(self.rate)
            self._check(start, stop, end)
            if early is not None:
                yield FrameSample(0, converter.convert(early))
        self.sound_reduced = sound.reduced
        yield sound.rest()

    def pictures(self, start: float, frames: int) -> Iterator[Picture]:
        """Yield exactly `frames` pictures at `rate` from `start` on.

        A picture that is shown again is the same object. Past the source's end its last picture is repeated.

        Args:
            start: Start of the clip, in seconds, on the frame grid.
            frames: Number of pictures.

        Raises:
            Permanent: `unreadable_media` if not a single picture can be decoded, or if damage ends the pictures long
                before the clip does.
        """
        demuxer = self._demuxer
        converter = Converter(self._geometry)
        half = self._half_frame
        shown, held, picture = 0, None, None
        reached: float | None = None
        end: float | None = None
        with readable():
            demuxer.choose(Detail.FULL)
            for timed in self._progressive(start, start + frames / float(self.rate) + half):
                before = reached
                reached = timed.time - start
                nearer = half if before is None else min(half, (reached - before) / 2)
                while held is not None and shown < frames and shown / float(self.rate) + nearer < reached:
                    picture = picture or converter.convert(held)
                    shown += 1
                    yield picture
                held, picture, end = timed.frame, None, reached + timed.length
            self._check(start, frames / float(self.rate), end)
            if held is not None:
                picture = picture or converter.convert(held)
        if picture is not None:
            yield from [picture] * (frames - shown)

    def _rate(self, known: float) -> Fraction:
        video = self._demuxer.video
        average, base, counted = video.average_rate, video.base_rate, known
        if not any(plausible(rate) for rate in (average, base, Fraction(known))):
            counted = self._demuxer.counted_rate()
        return output_rate(average, base, interlaced=self._demuxer.interlaced, counted=counted)

    def _frame_at(self, near: float) -> av.VideoFrame:
        """Return the key frame at or before `near`, or any frame after it."""
        found = None
        with readable():
            for detail in (Detail.KEYS, Detail.REFERENCES):  # there are streams without key frames
                self._demuxer.choose(detail)
                for timed in self._pictures(near, near):
                    if found is None or timed.time <= near:
                        found = timed.frame
                if found is not None:
                    return found
        raise _nothing_decoded(near)

    def _enough(self, start: float) -> Detail:
        """Return the detail for frame samples: reference pictures if these are close in time, else all pictures."""
        self._demuxer.choose(Detail.REFERENCES)
        reached = None
        for timed in self._pictures(start, start + GAP_PROBE_SECONDS):
            if reached is not None and timed.time - reached > GAP_SECONDS:
                return Detail.EVERY
            reached = timed.time
        return Detail.REFERENCES

    def _sound_lead(self, start: float) -> float:
        """Return the time before `start` at which to begin because of the sound, in seconds."""
        demuxer = self._demuxer
        if start <= 0 or demuxer.audio is None:
            return 0.0
        demuxer.seek(start)
        first = demuxer.first_sound(start + INTERLEAVE_SECONDS)
        if first is not None and first <= start + LATE_SOUND_SECONDS:
            return 0.0
        demuxer.seek(max(0.0, start - INTERLEAVE_SECONDS))
        earlier = demuxer.first_sound(start + INTERLEAVE_SECONDS)
        return INTERLEAVE_SECONDS if earlier is not None and earlier < start + LATE_SOUND_SECONDS else 0.0

    def _progressive(self, start: float, stop: float) -> Iterator[TimedPicture]:
        deinterlacer = Deinterlacer()
        for timed in self._pictures(start, stop):
            yield from deinterlacer.push(timed)
        yield from deinterlacer.flush()

    def _pictures(self, start: float, stop: float) -> Iterator[TimedPicture]:
        for timed in self._demuxer.read(start, stop, late=self._half_frame):
            if isinstance(timed, TimedPicture):
                yield timed

    @property
    def _half_frame(self) -> float:
        """Duration of half a frame of the clip, in seconds."""
        return 0.5 / float(self.rate)

    def _check(self, start: float, length: float, end: float | None) -> None:
        """Raise if the pictures that were read are too few for the clip.

        Pictures may end before the sound does, and the last one may be shown for long: neither is damage.

        Args:
            start: Start of the clip, in seconds of the source.
            length: Length of the clip, in seconds.
            end: End of the last picture, in seconds of the clip; None without any.

        Raises:
            Permanent: `unreadable_media` if none could be decoded, or too many are missing.
        """
        if end is None:
            raise _nothing_decoded(start)
        demuxer = self._demuxer
        promised = demuxer.ended and demuxer.duration is not None and demuxer.duration > start + end + LOST_SECONDS
        if length - end > LOST_SECONDS and (demuxer.damaged or promised):
            sentence = f"The video is damaged after {start + end:.1f} s; submit an undamaged file."
            raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence)


class _SoundReader:
    """Gives decoded sound its place on the clip's time line."""

    def __init__(self) -> None:
        self._converter = SoundConverter()
        self._end = 0.0

    def read(self, timed: TimedSound, start: float) -> Sound:
        """Return the sound of a frame, for a clip that begins at `start`, in seconds of the source."""
        begin = self._end if timed.time is None else timed.time - start
        self._end = begin + timed.frame.samples / timed.frame.sample_rate
        return Sound(self._converter.convert(timed.frame), begin)

    @property
    def reduced(self) -> bool:
        return self._converter.reduced

    def rest(self) -> Sound:
        return Sound(self._converter.flush(), self._end)


def _nothing_decoded(time: float) -> Permanent:
    sentence = f"The video has no readable picture at {time:.1f} s or later; submit an undamaged file."
    return Permanent(ErrorCode.UNREADABLE_MEDIA, sentence)
