"""Reading a clip from its source: sparse samples at its pictures with all its sound, then every picture.

Time stamps become seconds from the source's first video frame. The clip's start is moved to the nearest point of the
frame grid (at most half a frame), for picture and sound alike, so that a source of constant rate gives every frame
exactly once however its container rounds time stamps; at a variable rate the nearest frame in time is shown.
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
"""How much of a damaged source's end may be missing and is shown as a still."""

SAMPLE_SECONDS = 1 / 15
"""Least time between two samples: faces are looked for less often, and mouths move slower."""

GAP_SECONDS = 0.17
"""Longest time between two reference pictures for them to be enough to look at: 6 a second catch every syllable."""

GAP_PROBE_SECONDS = 1.0
"""How much of a clip tells whether they are: several groups of pictures between two reference pictures."""

LATE_SOUND_SECONDS = 0.03
"""Sound that begins later than the clip by more may be stored before the picture at which reading begins."""


@dataclass(frozen=True, slots=True)
class FrameSample:
    """A look at the source, cheaper than its pictures.

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
        near: seconds, where the clip begins: should pictures change their size in mid-stream, those there decide.
        frame_rate: average of all pictures a second, for containers that say nothing usable of it; 0 if it is not
            known: then the first ones are counted.

    Attributes:
        rate: frames a second of the pictures.
        has_sound: whether there is any.
        sound_reduced: whether only one channel of it could be used, or none, once sampled at.

    Raises:
        Permanent: with `unreadable_media` if not a single picture can be decoded, `no_video` if there are none.
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
        """Return the point of the frame grid that is nearest to `time`, seconds."""
        return float(round(time * self.rate) / self.rate)

    def frame_samples(self, start: float, frames: int) -> Iterator[FrameSample | Sound]:
        """Yield looks at a clip, in order, and all its sound along with them.

        Only reference pictures are decoded, or all where those lie too far apart, and at most 15 a second are given. Of
        interlaced pictures one field is given, as wide and half as high.

        Args:
            start: seconds, on the frame grid.
            frames: how many the clip has.

        Raises:
            Permanent: as `pictures` does.
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

        A picture that is shown again is the same object again. Past the source's end its last picture is held.

        Args:
            start: seconds, on the frame grid.
            frames: how many.

        Raises:
            Permanent: with `unreadable_media` if not a single picture can be decoded, or if damage ends the pictures
                long before the clip does.
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
        """Return the key frame at `near` or before, or any frame after."""
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
        """Look whether reference pictures alone are enough to look at."""
        self._demuxer.choose(Detail.REFERENCES)
        reached = None
        for timed in self._pictures(start, start + GAP_PROBE_SECONDS):
            if reached is not None and timed.time - reached > GAP_SECONDS:
                return Detail.EVERY
            reached = timed.time
        return Detail.REFERENCES

    def _sound_lead(self, start: float) -> float:
        """Return how much earlier to begin for the sound's sake, seconds."""
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
        """Seconds that half a frame of the clip lasts."""
        return 0.5 / float(self.rate)

    def _check(self, start: float, length: float, end: float | None) -> None:
        """Raise if the pictures that were read, the last until `end`, seconds of the clip, are too few for its length.

        Pictures may end before the sound does, and the last one may stand for long: that is no damage.
        """
        if end is None:
            raise _nothing_decoded(start)
        demuxer = self._demuxer
        promised = demuxer.ended and demuxer.duration is not None and demuxer.duration > start + end + LOST_SECONDS
        if length - end > LOST_SECONDS and (demuxer.damaged or promised):
            sentence = f"The video is damaged after {start + end:.1f} s; submit an undamaged file."
            raise Permanent(ErrorCode.UNREADABLE_MEDIA, sentence)


class _SoundReader:
    """Gives decoded audio its place on the clip's time line."""

    def __init__(self) -> None:
        self._converter = SoundConverter()
        self._end = 0.0

    def read(self, timed: TimedSound, start: float) -> Sound:
        """Return the sound in a source whose clip begins at `start`, seconds."""
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
