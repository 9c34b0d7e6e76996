"""Which glances at a clip are searched for faces, and what is found in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.reading.source import Glance
from clipmill.renderer.seeing.faces import Face, FaceDetector
from clipmill.renderer.seeing.searching import Search
from clipmill.renderer.shots import Span

MOST_GLANCES_PER_SECOND = 13
"""Glances that come faster are left out: between them mouths hardly move."""

EARLY = 0.8
"""A glance may be a look this part of the time between looks after the last one, the next glance being too late."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A glance at one of the clip's shots.

    Attributes:
        shot: which one, from 0.
        glance: the glance.
        faces: found in it, in its own shown pixels; None if it was not searched.
    """

    shot: int
    glance: Glance
    faces: list[Face] | None


def looked(
    items: Iterable[Glance | Sound],
    spans: Sequence[Span],
    detector: FaceDetector,
    rate: float,
    faces_per_second: float,
) -> Iterator[Looked | Sound]:
    """Yield the glances, some of them with the faces in them, and the sound as it comes.

    The first and the last glance of a shot are searched, and some in between. That a glance was the last is known
    only when the next one comes; if it was not searched before, it is yielded again, with its faces.

    Args:
        items: glances in order, and sound.
        spans: the clip's shots, which together are all its frames.
        detector: what finds faces.
        rate: frames a second.
        faces_per_second: how often to search.
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
    """The glances at one shot."""

    def __init__(self, number: int, search: Search, rate: float, faces_per_second: float) -> None:
        self._number = number
        self._search = search
        self._between_glances = rate / MOST_GLANCES_PER_SECOND
        self._between_looks = EARLY * rate / faces_per_second
        self._newest: Glance | None = None
        self._look: int | None = None

    def take(self, glance: Glance) -> Iterator[Looked]:
        """Yield the next glance, unless it comes too soon after the one before."""
        if self._newest is not None and glance.frame - self._newest.frame < self._between_glances:
            return
        self._newest = glance
        due = self._look is None or glance.frame - self._look >= self._between_looks
        yield Looked(self._number, glance, self._found(glance) if due else None)

    def end(self) -> Iterator[Looked]:
        """Yield the last glance if it was not searched: where people are at a shot's end is seen, not guessed."""
        if self._newest is not None and self._newest.frame != self._look:
            yield Looked(self._number, self._newest, self._found(self._newest))

    def _found(self, glance: Glance) -> list[Face]:
        self._look = glance.frame
        return self._search.look(glance.frame, glance.picture)
