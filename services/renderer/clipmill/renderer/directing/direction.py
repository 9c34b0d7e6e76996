"""The director: from what a survey saw to what each frame shows.

Layouts are chosen shot by shot (`layouts`), then each crop's path is solved over the whole of its passage (`camera`).
What comes out are arrays, from which a frame's framing is read off.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from clipmill.contracts.documents import ShotFacts
from clipmill.contracts.options import LayoutChoice
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.directing.camera import Rows, filmed, held, rows
from clipmill.renderer.directing.crops import Geometry, Size, fitted, followed, paned, placed
from clipmill.renderer.directing.layouts import Passage, Voiced, laid_out, merged
from clipmill.renderer.directing.paths import Floats
from clipmill.renderer.directing.presence import stretches
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.survey import Survey, SurveyedShot
from clipmill.renderer.seeing.tracking import Track
from clipmill.renderer.shots import Span

BRIEF = "too short for a layout of its own: "
"""How the reasons of brief shots begin; their neighbour's follows."""


@dataclass(frozen=True, slots=True)
class _Film:
    """What one pane shows during a passage.

    Attributes:
        edges: the crop's left and top edge at each frame of the passage, shown pixels.
        size: of the crop, likewise.
        place: left, top, width and height of the pane on the canvas.
        faces: who may be seen in it, the subject first.
    """

    edges: Floats
    size: Size
    place: tuple[int, int, int, int]
    faces: tuple[Rows, ...]

    def pane(self, index: int) -> Pane:
        """Return the pane at the passage's frame `index`."""
        left, top = self.edges[index].tolist()
        crop = Box(left, top, *self.size)
        boxes = [
            Box(x, y, right - x, bottom - y) for x, y, right, bottom in (f[:4, index].tolist() for f in self.faces)
        ]
        return Pane(crop, *self.place, tuple(box for box in boxes if _shown(box, crop)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """A passage of the clip's shot `shot` that has been filmed."""

    passage: Passage
    films: tuple[_Film, ...]
    shot: int

    def framing(self, frame: int) -> Framing:
        """Return the framing of the clip's frame `frame`, which is one of the passage's."""
        index = frame - self.passage.span.first
        return Framing(self.passage.layout, tuple(film.pane(index) for film in self.films), self.shot)


class Direction:
    """What each frame of a clip shows. Reading it changes nothing: any number of threads may.

    Attributes:
        shots: how the clip's shots were laid out, in order; a shot whose people change may be several of them.
    """

    def __init__(self, scenes: Sequence[_Scene], shots: tuple[ShotFacts, ...]) -> None:
        self.shots = shots
        self._scenes = tuple(scenes)
        self._begins = [scene.passage.span.first for scene in scenes]

    def framing(self, frame: int) -> Framing:
        """Return what the clip's frame `frame` shows.

        Raises:
            IndexError: if it is not a frame of the clip.
        """
        if not 0 <= frame <= self._scenes[-1].passage.span.last:
            raise IndexError(f"frame {frame} is not one of {self._scenes[-1].passage.span.last + 1}")
        return self._scenes[bisect_right(self._begins, frame) - 1].framing(frame)


def direct(survey: Survey, voiced: Voiced, canvas: Canvas, choice: LayoutChoice) -> Direction:
    """Decide what each frame of a clip shows.

    Args:
        survey: of the clip, at least one shot.
        voiced: for each of its frames, whether somebody is speaking.
        canvas: to be filled.
        choice: what was asked for.
    """
    geometry = Geometry(survey.width, survey.height, survey.rate, canvas)
    scenes: list[list[_Scene]] = [[] for _ in survey.shots]
    brief = [shot.span.brief(survey.rate) for shot in survey.shots]
    own = [place for place, short in enumerate(brief) if not short] or [0]
    for place in own:
        passages = [
            passage
            for stretch in stretches(survey.shots[place], survey.rate)
            for passage in laid_out(stretch, geometry, voiced, choice)
        ]
        scenes[place] = [_Scene(passage, _films(passage, geometry), place) for passage in merged(passages)]
    for place, shot in enumerate(survey.shots):
        if not scenes[place]:
            before = scenes[place - 1] if place else []
            neighbour = before[-1] if before else scenes[next(other for other in own if other > place)][0]
            scenes[place] = [replace(_like(neighbour, shot, geometry, voiced), shot=place)]
    facts = tuple(fact for shot in scenes for fact in _facts(shot, survey.rate))
    return Direction([scene for shot in scenes for scene in shot], facts)


def _like(neighbour: _Scene, shot: SurveyedShot, geometry: Geometry, voiced: Voiced) -> _Scene:
    """Lay out a brief shot as its neighbour is; where it has nobody to show that way, with the neighbour's crops."""
    layout = neighbour.passage.layout
    reason = f"{BRIEF}{neighbour.passage.reason.removeprefix(BRIEF)}"
    choice = LayoutChoice(layout)
    for stretch in stretches(shot, geometry.rate):
        found = laid_out(stretch, geometry, voiced, choice)[0]
        if found.layout is layout and (found.groups or layout is Layout.FIT):
            passage = Passage(shot.span, layout, found.groups, found.people, reason)
            return _Scene(passage, _films(passage, geometry), neighbour.shot)
    passage = Passage(shot.span, layout, (), (), reason)
    count = shot.span.last - shot.span.first + 1
    last = -1 if neighbour.passage.span.first < shot.span.first else 0
    films = tuple(
        _Film(np.repeat(film.edges[[last]], count, axis=0), film.size, film.place, ()) for film in neighbour.films
    )
    return _Scene(passage, films, neighbour.shot)


def _films(passage: Passage, geometry: Geometry) -> tuple[_Film, ...]:
    seen = {person.number: rows(person, passage.span, geometry.rate) for person in passage.people}
    if passage.layout is Layout.FIT:
        crop = fitted(geometry, passage.groups[0] if passage.groups else ())
        edges = np.tile([crop.left, crop.top], (_length(passage.span), 1))
        return (_Film(edges, (crop.width, crop.height), placed(geometry, crop), tuple(seen.values())),)
    if passage.layout is Layout.SPLIT:
        (one,), (other,) = passage.groups
        width, height = geometry.pane
        upright = geometry.canvas.height > geometry.canvas.width
        second = (0, height, width, geometry.canvas.height - height) if upright else (width, 0, width, height)
        return (
            _film(passage, (one,), paned(geometry, one, other), (0, 0, width, height), geometry),
            _film(passage, (other,), paned(geometry, other, one), second, geometry),
        )
    place = (0, 0, geometry.canvas.width, geometry.canvas.height)
    group = passage.groups[0] if passage.groups else ()
    return (_film(passage, group, followed(geometry, group), place, geometry),)


def _film(
    passage: Passage, group: Sequence[Track], size: Size, place: tuple[int, int, int, int], geometry: Geometry
) -> _Film:
    subjects = [rows(person, passage.span, geometry.rate) for person in group]
    numbers = {person.number for person in group}
    others = [rows(person, passage.span, geometry.rate) for person in passage.people if person.number not in numbers]
    if subjects:
        edges = filmed(held(subjects, size), size, geometry)
    else:
        edges = np.tile([(geometry.width - size[0]) / 2, (geometry.height - size[1]) / 2], (_length(passage.span), 1))
    return _Film(edges, size, place, (*subjects, *others))


def _facts(scenes: Sequence[_Scene], rate: float) -> list[ShotFacts]:
    """One fact for each layout and reason in a row."""
    facts = []
    for (layout, reason), same in groupby(scenes, key=lambda scene: (scene.passage.layout, scene.passage.reason)):
        spans = [scene.passage.span for scene in same]
        facts.append(
            ShotFacts(start=spans[0].first / rate, end=(spans[-1].last + 1) / rate, layout=layout, reason=reason)
        )
    return facts


def _shown(box: Box, crop: Box) -> bool:
    """Whether a face's middle is in the crop; never where it is not seen (NaN)."""
    x, y = box.centre
    return crop.left <= x <= crop.right and crop.top <= y <= crop.bottom


def _length(span: Span) -> int:
    return span.last - span.first + 1
