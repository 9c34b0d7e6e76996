"""Searching a shot's pictures for faces: each picture whole, and closer where small faces may be.

A detector scales a picture to its own small input, in which a face of a wide shot is lost. The picture is therefore
searched whole and in square parts: in all parts at a shot's first detection frames and every few seconds (a sweep),
in between only around the small faces found last. Some parts are so small that they could only show faces less than
half as large as those already found; they are not searched, and a close-up costs one run of the detector per frame.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box, Face, FaceDetector

SURE_SIZE = 0.085
"""Width that a face needs to be found for certain, as part of the longer side of the picture that a detector gets.

Measured with BlazeFace: see `blazeface`."""

RELEVANT = 0.5
"""Part of the largest face's width below which faces are an audience or a photograph, and not worth a search."""

SWEEPS_AT_FIRST = 2
"""Detection frames at the start of a shot in which all parts are searched: one can miss a face that turns away."""

SWEEP_SECONDS = 2.0
"""Time between two later searches of all parts, for people who come in."""

FOCUS = 5.0
"""Side of the part that is searched for a known small face, in widths of this face. The face is then about 38 of
BlazeFace's pixels wide, a size at which BlazeFace finds and places faces best."""

FINER = 1.75
"""Factor by which the second parts of a sweep are smaller than the first: eight of them cover 16:9."""

MOST_FOCUSED = 4
"""Parts searched for known small faces in a picture: with more people a shot is a group without a single subject."""

LEAST_FOCUS_SCORE = 0.65
"""Score that a face needs if only a part shows it: a part shows more detail that may be mistaken for a face."""

SAME_OVERLAP = 0.3
"""Intersection over union above which two boxes are one face."""

SAME_INSIDE = 0.6
"""Part of the smaller box inside the larger one above which the two are one face."""


@dataclass(frozen=True, slots=True)
class Part:
    """A square part of a picture, in shown pixels, cut off where the picture ends.

    Attributes:
        left: Position of its left edge.
        top: Position of its upper edge.
        side: Side of the square.
    """

    left: float
    top: float
    side: float


class Search:
    """Finds the faces in the pictures of one shot.

    Args:
        detector: Detector that finds the faces in a picture or a part of it.
        rate: Frames per second of the clip.
    """

    def __init__(self, detector: FaceDetector, rate: float) -> None:
        self._detector = detector
        self._rate = rate
        self._sweeps = 0
        self._swept = 0
        self._small: list[Box] = []

    def detect(self, frame: int, picture: Picture) -> list[Face]:
        """Return the faces in `picture`, each once, in order of falling score.

        Args:
            frame: Number of the frame in the clip, greater than at the previous call.
            picture: Picture of any size; all pictures of a shot have one size.
        """
        faces = self._detector.detect(picture)
        longer = max(picture.shown_width, float(picture.height))
        if self._sweeps < SWEEPS_AT_FIRST or frame - self._swept >= SWEEP_SECONDS * self._rate:
            self._sweeps += 1
            self._swept = frame
            faces = self._swept_through(picture, faces)
        else:
            faces = distinct([*self._within(picture, focused(self._small)), *faces])
        relevant = max((face.box.width for face in faces), default=0.0) * RELEVANT
        self._small = [face.box for face in faces if relevant <= face.box.width < SURE_SIZE * longer]
        return sorted(faces, key=lambda face: -face.score)

    def _swept_through(self, picture: Picture, faces: list[Face]) -> list[Face]:
        """Return `faces`, found in the whole picture, and the faces that smaller and smaller parts add."""
        longer, side = max(picture.shown_width, float(picture.height)), min(picture.shown_width, float(picture.height))
        searched = longer
        for smaller in (side, side / FINER):
            largest = max((face.box.width for face in faces), default=0.0)
            if SURE_SIZE * searched <= RELEVANT * largest:
                break
            # The closest view of a face places it best, so it comes first.
            parts = tiles(picture.shown_width, picture.height, smaller)
            faces = distinct([*self._within(picture, parts), *faces])
            searched = smaller
        return faces

    def _within(self, picture: Picture, parts: Sequence[Part]) -> list[Face]:
        return [face for part in parts for face in self._inside(picture, part)]

    def _inside(self, picture: Picture, part: Part) -> Iterator[Face]:
        """Yield the faces in `part` that its edges do not cut; another part, or the whole, shows cut ones entire."""
        shown, left, top = cut(picture, part)
        for face in self._detector.detect(shown):
            box = Box(face.box.left + left, face.box.top + top, face.box.width, face.box.height)
            cut_off = (
                (box.left < left and left > 0)
                or (box.top < top and top > 0)
                or (left + shown.shown_width < box.right and left + shown.shown_width < picture.shown_width - 1)
                or (top + shown.height < box.bottom and top + shown.height < picture.height - 1)
            )
            if face.score >= LEAST_FOCUS_SCORE and not cut_off:
                mouth = face.mouth[0] + left, face.mouth[1] + top
                yield replace(face, box=box, eyes=face.eyes + top, mouth=mouth)


def distinct(faces: Sequence[Face]) -> list[Face]:
    """Return `faces` without repetitions of a face before them."""
    kept: list[Face] = []
    for face in faces:
        if not any(_same(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def _same(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    if across <= 0 or down <= 0:
        return False
    smaller = min(one.width * one.height, other.width * other.height)
    return one.overlap(other) > SAME_OVERLAP or across * down > SAME_INSIDE * smaller


def tiles(width: float, height: float, side: float) -> list[Part]:
    """Return squares that cover a picture; they overlap by the largest face that needs a square to be found.

    Args:
        width: Width of the picture, in shown pixels.
        height: Height of the picture, in shown pixels.
        side: Side of a square, in shown pixels.
    """
    overlap = SURE_SIZE * 2 * side
    across = 1 + max(0, ceil((width - side) / (side - overlap) - 0.05))
    down = 1 + max(0, ceil((height - side) / (side - overlap) - 0.05))
    return [
        Part((width - side) * column / max(1, across - 1), (height - side) * row / max(1, down - 1), side)
        for row in range(down)
        for column in range(across)
    ]


def focused(boxes: Sequence[Box]) -> list[Part]:
    """Return squares with one of the largest few of `boxes` in or near their middle."""
    parts: list[Part] = []
    for box in sorted(boxes, key=lambda box: -box.width):
        x, y = box.centre
        inside = any(
            part.left + box.width <= x <= part.left + part.side - box.width
            and part.top + box.height <= y <= part.top + part.side - box.height
            and box.width >= SURE_SIZE * part.side
            for part in parts
        )
        if not inside and len(parts) < MOST_FOCUSED:
            side = FOCUS * max(box.width, box.height)
            parts.append(Part(x - side / 2, y - side / 2, side))
    return parts


def cut(picture: Picture, part: Part) -> tuple[Picture, float, float]:
    """Return a view of `part` of `picture`, and its distance from the left and the top edge, in shown pixels."""
    aspect = picture.pixel_aspect
    left = min(max(0, round(part.left / aspect / 2) * 2), max(0, picture.width - 2))
    top = min(max(0, round(part.top / 2) * 2), max(0, picture.height - 2))
    right = min(picture.width, max(left + 2, round((part.left + part.side) / aspect / 2) * 2))
    bottom = min(picture.height, max(top + 2, round((part.top + part.side) / 2) * 2))
    luma = picture.luma[top:bottom, left:right]
    blue, red = (plane[top // 2 : (bottom + 1) // 2, left // 2 : (right + 1) // 2] for plane in picture.planes[1:])
    return Picture(luma, blue, red, aspect), left * aspect, float(top)
