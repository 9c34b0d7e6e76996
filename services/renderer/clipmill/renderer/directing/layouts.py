"""The choice of layouts: how a clip's shots fill the canvas, and the people they are about.

A shot is first divided where people come and go for good (`presence`). The survey of each segment then decides its
layout:

- `track`: one person; several people in one crop; two people of whom one speaks. With two, the camera cuts from
  one to the other where turns change.
- `split`: two people too far apart for one crop, if both talk or the speaker is unknown: showing both is right
  whoever speaks, and their faces are several times as large as in the whole picture on a background.
- `fit`: more people than one crop holds, faces too large for it, a screen with its presenter in a corner (whoever is
  pictured on it), nobody at all.

Where the largest crop shows nearly all of the picture, a background or a cut gains nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from clipmill.contracts.options import LayoutChoice
from clipmill.renderer.directing.camera import rows, together
from clipmill.renderer.directing.crops import FILLING, HEADROOM, Geometry, middle
from clipmill.renderer.directing.presence import PresenceSegment, size
from clipmill.renderer.framings import Layout
from clipmill.renderer.seeing.speaking import Turn, talk, turns
from clipmill.renderer.seeing.tracking import Track
from clipmill.renderer.shots import Span

ROOM = 0.94
"""Largest part of a crop's width or height that a group of faces may fill to be shown in it together."""

USUALLY = 0.97
"""Least share of the frames in which the group must fit; in the others the foremost is shown."""

TALKING_SECONDS = 1.0
"""Least talk of a speaker; in less time, people say `yes` and `hm`."""

TALKING_SHARE = 0.2
"""Least share of the segment's talk that makes a person a speaker."""

ASIDE_SECONDS = 2.0
"""Length below which a turn between two turns of one other person is not worth two cuts: it is a `yes` or a laugh.
Mouths are also mistaken most in such turns: a listener swallows while the speaker mumbles. The shortest sentences in
interviews that deserve the picture take a little longer."""

CORNER_FACE = 0.12
"""Picture heights below which a still face in a corner is a presenter beside a screen."""

CORNER = (0.3, 0.18, 0.28)
"""Reach of a corner from a side, from the top and from the bottom, as parts of the picture's width and height: heads
of people in wide shots are high, but not as high as a presenter's small picture at the top edge."""

STILL = 0.5
"""Face heights within which the middle of a still face stays."""

Voiced = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LayoutSpan:
    """Frames of one shot with one layout, about the same people.

    Attributes:
        span: The frames.
        layout: Layout of the canvas.
        groups: People shown in each pane; for `fit`, nobody or the people around whom the picture may be cropped.
        people: All people who are there, the foremost first.
        reason: Evidence for the layout, in words.
    """

    span: Span
    layout: Layout
    groups: tuple[tuple[Track, ...], ...]
    people: tuple[Track, ...]
    reason: str

    @property
    def about(self) -> tuple[Layout, tuple[tuple[int, ...], ...]]:
        """Layout and people; a layout span is joined with a neighbour that has equal ones."""
        return self.layout, tuple(tuple(track.number for track in group) for group in self.groups)


def laid_out(segment: PresenceSegment, geometry: Geometry, voiced: Voiced, choice: LayoutChoice) -> list[LayoutSpan]:
    """Return the layout spans of a segment: one, or one for each turn where speakers are followed.

    Args:
        segment: Segment of a shot.
        geometry: Picture and canvas.
        voiced: True for each frame of the clip at which somebody is speaking.
        choice: Layout that the job asked for.
    """
    return _Decision(segment, geometry, voiced, choice).layout_spans()


class _Decision:
    """The decision about one segment; it weighs the evidence in the order of its importance."""

    def __init__(self, segment: PresenceSegment, geometry: Geometry, voiced: Voiced, choice: LayoutChoice) -> None:
        self._shot, self._people = segment.shot, segment.people
        self._geometry, self._voiced, self._choice = geometry, voiced, choice

    def layout_spans(self) -> list[LayoutSpan]:
        people, following = self._people, self._choice is LayoutChoice.TRACK
        if self._choice is LayoutChoice.FIT:
            return self._one(Layout.FIT, (), "asked for")
        if len(people) == 2 and self._choice is LayoutChoice.SPLIT:
            return self._split("asked for, and two people are there")
        if self._geometry.filled >= FILLING and (len(people) < 2 or self._fit_together(people)):
            return self._whole()
        if not people:
            return self._one(Layout.FIT, (), f"nobody is there in {len(self._shot.detection_frames)} detection frames")
        if len(people) == 1:
            return self._alone(people[0], following)
        if self._fit_together(people):
            return self._one(Layout.TRACK, (people,), f"{len(people)} people fit into one crop")
        if not following and sum(map(self._in_corner, people)) == 1:
            return self._one(Layout.FIT, (), "a small, still face in a corner beside others: a screen is shown")
        if following or len(people) == 2:
            return self._by_talk(following)
        return self._one(Layout.FIT, (people,), f"{len(people)} people do not fit into one crop")

    def _whole(self) -> list[LayoutSpan]:
        reason = f"a crop shows {self._geometry.filled:.0%} of the picture"
        return self._one(Layout.TRACK, (self._people,) if self._people else (), reason)

    def _alone(self, person: Track, following: bool) -> list[LayoutSpan]:
        searched = len(self._shot.detection_frames)
        seen = f"{len(person.detections) / max(1, searched):.0%} of {searched} detection frames"
        if not following and not self._holds(person):
            return self._one(Layout.FIT, (), f"the face is too large for a crop, in {seen}")
        if not following and self._in_corner(person):
            return self._one(Layout.FIT, (), f"a small, still face in a corner, in {seen}: a screen is shown")
        return self._one(Layout.TRACK, ((person,),), f"one person, in {seen}")

    def _by_talk(self, following: bool) -> list[LayoutSpan]:
        people, rate = self._people, self._geometry.rate
        said = talk(self._shot, people, self._voiced, rate)
        total = sum(said.values())
        shares = " and ".join(f"{said.get(person.number, 0.0):.1f} s" for person in people)
        if not following:
            if total < TALKING_SECONDS:
                return self._split("two people far apart, and the speaker is unknown")
            least = max(TALKING_SECONDS, TALKING_SHARE * total)
            if all(said.get(person.number, 0.0) >= least for person in people):
                return self._split(f"two people far apart talk for {shares}")
        heard = f"{len(people)} people far apart talk for {shares}: " if total else f"{len(people)} people far apart: "
        follow = turns(self._shot, people, self._voiced, rate)
        if not follow:
            speaker = max(people, key=lambda person: said.get(person.number, 0.0))
            return self._one(Layout.TRACK, ((speaker,),), f"{heard}the foremost is followed")
        return self._followed(follow, f"{heard}the speaker is followed")

    def _followed(self, follow: Sequence[Turn], reason: str) -> list[LayoutSpan]:
        by_number = {person.number: person for person in self._people}
        return merged(
            [
                LayoutSpan(Span(turn.first, turn.last), Layout.TRACK, ((by_number[turn.track],),), self._people, reason)
                for turn in without_asides(follow, self._geometry.rate)
            ]
        )

    def _split(self, reason: str) -> list[LayoutSpan]:
        left, right = sorted(self._people[:2], key=middle)
        return self._one(Layout.SPLIT, ((left,), (right,)), reason)

    def _one(self, layout: Layout, groups: tuple[tuple[Track, ...], ...], reason: str) -> list[LayoutSpan]:
        return [LayoutSpan(self._shot.span, layout, groups, self._people, reason)]

    def _fit_together(self, people: Sequence[Track]) -> bool:
        """Return whether one crop shows all of the people, most of the time."""
        width, height = self._geometry.crop
        around = together([rows(person, self._shot.span, self._geometry.rate) for person in people])
        fits = (around[2] - around[0] <= ROOM * width) & (around[3] - around[1] <= ROOM * height)
        seen = ~np.isnan(around[0])
        return bool(fits[seen].mean() >= USUALLY) if seen.any() else False

    def _holds(self, person: Track) -> bool:
        """Return whether a crop is large enough for the face and its hair."""
        width, height = self._geometry.crop
        face = size(person)
        return face <= ROOM * width and face * (1 + HEADROOM) <= ROOM * height

    def _in_corner(self, person: Track) -> bool:
        width, height = self._geometry.width, self._geometry.height
        if size(person) > CORNER_FACE * height:
            return False
        centres = np.array([detection.face.box.centre for detection in person.detections])
        spread = np.ptp(np.quantile(centres, (0.05, 0.95), axis=0), axis=0).max()
        x, y = np.median(centres, axis=0) / (width, height)
        beside, above, below = CORNER
        return bool(spread <= STILL * size(person) and min(x, 1 - x) <= beside and (y <= above or 1 - y <= below))


def without_asides(turns: Sequence[Turn], rate: float) -> list[Turn]:
    """Return the turns without those that only interrupt another person's briefly; the briefest are removed first.

    Args:
        turns: Turns in order, without gaps, each of another person than the one before.
        rate: Frames per second.
    """
    turns = list(turns)
    while True:
        asides = [
            (turn.last - turn.first, place)
            for place, turn in enumerate(turns[1:-1], 1)
            if turns[place - 1].track == turns[place + 1].track and turn.last - turn.first + 1 < ASIDE_SECONDS * rate
        ]
        if not asides:
            return turns
        _, place = min(asides)
        before, after = turns[place - 1], turns[place + 1]
        turns[place - 1 : place + 2] = [Turn(before.first, after.last, before.track)]


def merged(layout_spans: Sequence[LayoutSpan]) -> list[LayoutSpan]:
    """Join neighbours of one shot that show the same people in one layout."""
    joined: list[LayoutSpan] = []
    for layout_span in layout_spans:
        before = joined[-1] if joined else None
        if before is not None and before.about == layout_span.about:
            span = Span(before.span.first, layout_span.span.last)
            groups = tuple(map(_united, before.groups, layout_span.groups))
            people = before.people if len(before.people) >= len(layout_span.people) else layout_span.people
            joined[-1] = LayoutSpan(span, before.layout, groups, people, before.reason)
        else:
            joined.append(layout_span)
    return joined


def _united(before: Sequence[Track], after: Sequence[Track]) -> tuple[Track, ...]:
    """Return the people with their detections before and after."""
    return tuple(
        one if one.detections == other.detections else Track(one.number, one.detections + other.detections, one.motion)
        for one, other in zip(before, after, strict=True)
    )
