"""How a shot fills the upright frame, and whom it is about."""

from dataclasses import dataclass
from enum import StrEnum

from clipmill.renderer.faces import Box
from clipmill.renderer.tracking import Sighting, Track

LEAST_PRESENCE = 0.4
"""Share of a window's pictures in which somebody must be seen to be taken for a person who is there."""

LEAST_RELATIVE_SIZE = 0.5
"""Faces less than this part of the largest one's height are the audience, a photograph on a wall, a mistake."""

FILLING = 0.85
"""A crop that shows this much of the picture loses nothing worth a blurred border."""

ROOM = 0.94
"""Part of a crop's width that a group of faces may take to be shown in it together."""


class Layout(StrEnum):
    """How a picture is laid out on the canvas."""

    TRACK = "track"
    """A crop of the picture fills the frame and follows the subject."""
    FIT = "fit"
    """The whole picture at full width over a blurred copy of itself."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A layout with the tracks it is about (none for `fit`, and none where nobody is seen)."""

    layout: Layout
    subject: tuple[Track, ...] = ()


def choose(tracks: list[Track], first: int, last: int, samples: int, *, crop: Box, width: float) -> Choice:
    """Return the layout for the frames from `first` to `last`, both included.

    Args:
        tracks: of the shot.
        first: frame.
        last: frame.
        samples: how many pictures of them were searched for faces.
        crop: the size of the crop that would follow a subject; where it lies does not matter.
        width: of the whole picture, shown pixels.
    """
    people = present(tracks, first, last, samples)
    if not people:
        return Choice(Layout.TRACK if crop.width >= FILLING * width else Layout.FIT)
    if len(people) == 1 or _fit_together(people, first, last, crop):
        return Choice(Layout.TRACK, tuple(people))
    return Choice(Layout.TRACK, (people[0],)) if crop.width >= FILLING * width else Choice(Layout.FIT)


def present(tracks: list[Track], first: int, last: int, samples: int) -> list[Track]:
    """Return the people who are there between the two frames, the largest and most often seen first."""
    sightings = {track.number: track.within(first, last) for track in tracks}
    seen = [track for track in tracks if len(sightings[track.number]) >= max(1.0, LEAST_PRESENCE * samples)]
    largest = max((_height(sightings[track.number]) for track in seen), default=0.0)
    people = [track for track in seen if _height(sightings[track.number]) >= LEAST_RELATIVE_SIZE * largest]
    return sorted(people, key=lambda track: -_height(sightings[track.number]) * len(sightings[track.number]))


def _height(sightings: list[Sighting]) -> float:
    """The median height of the faces."""
    heights = sorted(sighting.face.box.height for sighting in sightings)
    return heights[len(heights) // 2] if heights else 0.0


def _fit_together(people: list[Track], first: int, last: int, crop: Box) -> bool:
    boxes = [sighting.face.box for track in people for sighting in track.within(first, last)]
    across = max(box.right for box in boxes) - min(box.left for box in boxes)
    down = max(box.bottom for box in boxes) - min(box.top for box in boxes)
    return across <= ROOM * crop.width and down <= ROOM * crop.height
