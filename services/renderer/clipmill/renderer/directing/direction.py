"""The director: it turns a survey into the framing of each frame.

Layouts are chosen shot by shot (`layouts`), then each crop's path is solved over a whole layout span (`camera`).
The results are arrays, and a frame's framing is read from them.
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
from clipmill.renderer.directing.layouts import LayoutSpan, Voiced, laid_out, merged
from clipmill.renderer.directing.paths import Floats
from clipmill.renderer.directing.presence import presence_segments
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.survey import Survey, SurveyedShot
from clipmill.renderer.seeing.tracking import Track
from clipmill.renderer.shots import Span

BRIEF = "too short for its own layout: "
"""The beginning of a brief shot's reason; the neighbour's reason follows."""


@dataclass(frozen=True, slots=True)
class _Film:
    """The content of one pane during a layout span.

    Attributes:
        edges: Left and top edge of the crop at each frame of the layout span, in shown pixels.
        size: Size of the crop, in shown pixels.
        place: Left, top, width and height of the pane on the canvas.
        faces: Faces that may be seen in it, the subject's first.
    """

    edges: Floats
    size: Size
    place: tuple[int, int, int, int]
    faces: tuple[Rows, ...]

    def pane(self, index: int) -> Pane:
        """Return the pane at the layout span's frame `index`."""
        left, top = self.edges[index].tolist()
        crop = Box(left, top, *self.size)
        boxes = [
            Box(x, y, right - x, bottom - y) for x, y, right, bottom in (f[:4, index].tolist() for f in self.faces)
        ]
        return Pane(crop, *self.place, tuple(box for box in boxes if _shown(box, crop)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """A layout span of the clip's shot `shot`, with the films of its panes."""

    layout_span: LayoutSpan
    films: tuple[_Film, ...]
    shot: int

    def framing(self, frame: int) -> Framing:
        """Return the framing of the clip's frame `frame`, which is one of the layout span's."""
        index = frame - self.layout_span.span.first
        return Framing(self.layout_span.layout, tuple(film.pane(index) for film in self.films), self.shot)


class Direction:
    """The framing of each frame of a clip. Any number of threads may read it.

    Attributes:
        shots: Layouts of the clip's shots, in order; a shot whose people change may have several.
    """

    def __init__(self, scenes: Sequence[_Scene], shots: tuple[ShotFacts, ...]) -> None:
        self.shots = shots
        self._scenes = tuple(scenes)
        self._begins = [scene.layout_span.span.first for scene in scenes]

    def framing(self, frame: int) -> Framing:
        """Return the framing of the clip's frame `frame`.

        Raises:
            IndexError: The clip has no such frame.
        """
        if not 0 <= frame <= self._scenes[-1].layout_span.span.last:
            last = self._scenes[-1].layout_span.span.last
            raise IndexError(f"The clip has no frame {frame}; its frames are 0 to {last}.")
        return self._scenes[bisect_right(self._begins, frame) - 1].framing(frame)


def direct(survey: Survey, voiced: Voiced, canvas: Canvas, choice: LayoutChoice) -> Direction:
    """Decide the framing of each frame of a clip.

    Args:
        survey: Survey of the clip, with at least one shot.
        voiced: True for each frame of the clip at which somebody is speaking.
        canvas: Canvas to fill.
        choice: Layout that the job asked for.
    """
    geometry = Geometry(survey.width, survey.height, survey.rate, canvas)
    scenes: list[list[_Scene]] = [[] for _ in survey.shots]
    brief = [shot.span.brief(survey.rate) for shot in survey.shots]
    own = [place for place, short in enumerate(brief) if not short] or [0]
    for place in own:
        layout_spans = [
            layout_span
            for segment in presence_segments(survey.shots[place], survey.rate)
            for layout_span in laid_out(segment, geometry, voiced, choice)
        ]
        scenes[place] = [
            _Scene(layout_span, _films(layout_span, geometry), place) for layout_span in merged(layout_spans)
        ]
    for place, shot in enumerate(survey.shots):
        if not scenes[place]:
            before = scenes[place - 1] if place else []
            neighbour = before[-1] if before else scenes[next(other for other in own if other > place)][0]
            scenes[place] = [replace(_like(neighbour, shot, geometry, voiced), shot=place)]
    facts = tuple(fact for shot in scenes for fact in _facts(shot, survey.rate))
    return Direction([scene for shot in scenes for scene in shot], facts)


def _like(neighbour: _Scene, shot: SurveyedShot, geometry: Geometry, voiced: Voiced) -> _Scene:
    """Lay out a brief shot like its neighbour, with the neighbour's crops if nobody in the shot suits that layout."""
    layout = neighbour.layout_span.layout
    reason = f"{BRIEF}{neighbour.layout_span.reason.removeprefix(BRIEF)}"
    choice = LayoutChoice(layout)
    for segment in presence_segments(shot, geometry.rate):
        found = laid_out(segment, geometry, voiced, choice)[0]
        if found.layout is layout and (found.groups or layout is Layout.FIT):
            layout_span = LayoutSpan(shot.span, layout, found.groups, found.people, reason)
            return _Scene(layout_span, _films(layout_span, geometry), neighbour.shot)
    layout_span = LayoutSpan(shot.span, layout, (), (), reason)
    count = shot.span.last - shot.span.first + 1
    last = -1 if neighbour.layout_span.span.first < shot.span.first else 0
    films = tuple(
        _Film(np.repeat(film.edges[[last]], count, axis=0), film.size, film.place, ()) for film in neighbour.films
    )
    return _Scene(layout_span, films, neighbour.shot)


def _films(layout_span: LayoutSpan, geometry: Geometry) -> tuple[_Film, ...]:
    seen = {person.number: rows(person, layout_span.span, geometry.rate) for person in layout_span.people}
    if layout_span.layout is Layout.FIT:
        crop = fitted(geometry, layout_span.groups[0] if layout_span.groups else ())
        edges = np.tile([crop.left, crop.top], (_length(layout_span.span), 1))
        return (_Film(edges, (crop.width, crop.height), placed(geometry, crop), tuple(seen.values())),)
    if layout_span.layout is Layout.SPLIT:
        (one,), (other,) = layout_span.groups
        width, height = geometry.pane
        upright = geometry.canvas.height > geometry.canvas.width
        second = (0, height, width, geometry.canvas.height - height) if upright else (width, 0, width, height)
        return (
            _film(layout_span, (one,), paned(geometry, one, other), (0, 0, width, height), geometry),
            _film(layout_span, (other,), paned(geometry, other, one), second, geometry),
        )
    place = (0, 0, geometry.canvas.width, geometry.canvas.height)
    group = layout_span.groups[0] if layout_span.groups else ()
    return (_film(layout_span, group, followed(geometry, group), place, geometry),)


def _film(
    layout_span: LayoutSpan, group: Sequence[Track], size: Size, place: tuple[int, int, int, int], geometry: Geometry
) -> _Film:
    subjects = [rows(person, layout_span.span, geometry.rate) for person in group]
    numbers = {person.number for person in group}
    others = [
        rows(person, layout_span.span, geometry.rate) for person in layout_span.people if person.number not in numbers
    ]
    if subjects:
        edges = filmed(held(subjects, size), size, geometry)
    else:
        edges = np.tile(
            [(geometry.width - size[0]) / 2, (geometry.height - size[1]) / 2], (_length(layout_span.span), 1)
        )
    return _Film(edges, size, place, (*subjects, *others))


def _facts(scenes: Sequence[_Scene], rate: float) -> list[ShotFacts]:
    """Return one fact for each run of scenes with one layout and reason."""
    facts = []
    for (layout, reason), same in groupby(
        scenes, key=lambda scene: (scene.layout_span.layout, scene.layout_span.reason)
    ):
        spans = [scene.layout_span.span for scene in same]
        facts.append(
            ShotFacts(start=spans[0].first / rate, end=(spans[-1].last + 1) / rate, layout=layout, reason=reason)
        )
    return facts


def _shown(box: Box, crop: Box) -> bool:
    """Return whether a face's middle is in the crop; False where it is not seen (NaN)."""
    x, y = box.centre
    return crop.left <= x <= crop.right and crop.top <= y <= crop.bottom


def _length(span: Span) -> int:
    return span.last - span.first + 1
