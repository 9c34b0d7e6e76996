"""The choice of the samples that are searched for faces, and the faces found in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.reading.source import FrameSample
from clipmill.renderer.seeing.faces import Face, FaceDetector
from clipmill.renderer.seeing.searching import Search
from clipmill.renderer.shots import Span

MOST_SAMPLES_PER_SECOND = 13
"""Faster samples are left out: mouths hardly move between them."""

EARLY = 0.8
"""Part of the time between detection frames after which a sample is searched already: the next may come too late."""


@dataclass(frozen=True, slots=True)
class ShotSample:
    """A sample of one of the clip's shots.

    Attributes:
        shot: Index of the shot, from 0.
        sample: The frame sample.
        faces: Faces found in it, in its own shown pixels; None if it was not searched.
    """

    shot: int
    sample: FrameSample
    faces: list[Face] | None


def detect_faces(
    items: Iterable[FrameSample | Sound],
    spans: Sequence[Span],
    detector: FaceDetector,
    rate: float,
    faces_per_second: float,
) -> Iterator[ShotSample | Sound]:
    """Yield the samples, some of them with their faces, and the sound as it comes.

    The first and the last sample of a shot are searched, and some in between. Only the next sample
    shows that a sample was the last of its shot; if this last sample was not searched, it is yielded again, with its
    faces.

    Args:
        items: Samples in order, and sound.
        spans: The clip's shots, which together are all its frames.
        detector: Detector that finds the faces.
        rate: Frames per second.
        faces_per_second: Samples to search per second.
    """
    current = 0
    shot = _Shot(0, Search(detector, rate), rate, faces_per_second)
    for item in items:
        if isinstance(item, Sound):
            yield item
            continue
        place = current
        while item.frame > spans[place].last and place < len(spans) - 1:
            place += 1
        if place != current:
            yield from shot.end()
            current, shot = place, _Shot(place, Search(detector, rate), rate, faces_per_second)
        yield from shot.take(item)
    yield from shot.end()


class _Shot:
    """The samples of one shot."""

    def __init__(self, number: int, search: Search, rate: float, faces_per_second: float) -> None:
        self._number = number
        self._search = search
        self._between_samples = rate / MOST_SAMPLES_PER_SECOND
        self._between_detections = EARLY * rate / faces_per_second
        self._newest: FrameSample | None = None
        self._searched: int | None = None

    def take(self, sample: FrameSample) -> Iterator[ShotSample]:
        """Yield the sample, unless it comes too soon after the one before."""
        if self._newest is not None and sample.frame - self._newest.frame < self._between_samples:
            return
        self._newest = sample
        due = self._searched is None or sample.frame - self._searched >= self._between_detections
        yield ShotSample(self._number, sample, self._found(sample) if due else None)

    def end(self) -> Iterator[ShotSample]:
        """Yield the last sample if it was not searched: people's places at a shot's end are seen, not guessed."""
        if self._newest is not None and self._newest.frame != self._searched:
            yield ShotSample(self._number, self._newest, self._found(self._newest))

    def _found(self, sample: FrameSample) -> list[Face]:
        self._searched = sample.frame
        return self._search.detect(sample.frame, sample.picture)
