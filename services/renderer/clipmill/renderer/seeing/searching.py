"""Looking for faces in one shot after another picture: in the whole, and closer where that brings small ones to light.

A detector sees a picture scaled to its own small input, in which a face of a wide shot is lost. So the picture is
searched whole, and in square parts: in all of them at a shot's first looks and now and then after (a sweep), and
in between only round the small faces found last. Parts so small that they would only show faces less than half as
large as those already found are not searched: a close-up costs one run of the detector a look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box, Face, FaceDetector

SURE_SIZE = 0.085
"""Part of the longer side of what a detector is shown that a face must be wide to be found for certain.

Measured with BlazeFace: see `blazeface`."""

RELEVANT = 0.5
"""Part of the largest face's width below which faces are an audience, a photograph on a wall: not worth a search."""

SWEEPS_AT_FIRST = 2
"""Looks at the start of a shot that search all parts: one look can miss a face that turns away."""

SWEEP_SECONDS = 2.0
"""From then on, all parts are searched this often, for people who come in."""

FOCUS = 5.0
"""Side of the part that is searched for a known small face, in its widths: it is about 38 of BlazeFace's pixels wide,
where it finds faces surest and places them best."""

FINER = 1.75
"""How many times smaller the second parts of a sweep are than the first: eight of them cover 16:9."""

MOST_FOCUSED = 4
"""Parts searched for known small faces at a look: with more people a shot is a group, and none of them its subject."""

LEAST_FOCUS_SCORE = 0.65
"""A face that only a part shows must be surer than one of the whole: more detail is shown that may be mistaken."""

SAME_OVERLAP = 0.3
"""IoU above which two findings are one face."""

SAME_INSIDE = 0.6
"""Likewise, part of the smaller one that lies in the larger."""


@dataclass(frozen=True, slots=True)
class Part:
    """A square part of a picture, in shown pixels; cut off where the picture ends.

    Attributes:
        left: of its left edge.
        top: of its upper edge.
        side: of the square.
    """

    left: float
    top: float
    side: float


class Search:
    """Looks for faces in the pictures of one shot.

    Args:
        detector: what finds faces in what it is shown.
        rate: frames a second of the clip.
    """

    def __init__(self, detector: FaceDetector, rate: float) -> None:
        self._detector = detector
        self._rate = rate
        self._sweeps = 0
        self._swept = 0
        self._small: list[Box] = []

    def detect(self, frame: int, picture: Picture) -> list[Face]:
        """Return the faces in `picture`, the surest first, each once.

        Args:
            frame: of the clip; later than at the last look.
            picture: any size, but the same through the shot.
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
        """Return `faces`, which the whole showed, and what smaller and smaller parts show beside them."""
        longer, side = max(picture.shown_width, float(picture.height)), min(picture.shown_width, float(picture.height))
        searched = longer
        for smaller in (side, side / FINER):
            largest = max((face.box.width for face in faces), default=0.0)
            if SURE_SIZE * searched <= RELEVANT * largest:
                break
            # The closest view of a face is the one that places it best, and so comes first.
            parts = tiles(picture.shown_width, picture.height, smaller)
            faces = distinct([*self._within(picture, parts), *faces])
            searched = smaller
        return faces

    def _within(self, picture: Picture, parts: Sequence[Part]) -> list[Face]:
        return [face for part in parts for face in self._inside(picture, part)]

    def _inside(self, picture: Picture, part: Part) -> Iterator[Face]:
        """Yield the faces in `part` that its edges do not cut: another part, or the whole, shows those entire."""
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
    """Return `faces` without those that are one with a face before them."""
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
    """Return squares that cover a picture and overlap by as much as a face that they, and not the whole, are for.

    Args:
        width: of the picture, shown pixels.
        height: likewise.
        side: of a square.
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
    """Return squares in which each of `boxes`, at least of the largest few, is in the middle or nearly."""
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
    """Return `part` of `picture`, no samples copied, and where it lies, shown pixels from the left and from the top."""
    aspect = picture.pixel_aspect
    left = min(max(0, round(part.left / aspect / 2) * 2), max(0, picture.width - 2))
    top = min(max(0, round(part.top / 2) * 2), max(0, picture.height - 2))
    right = min(picture.width, max(left + 2, round((part.left + part.side) / aspect / 2) * 2))
    bottom = min(picture.height, max(top + 2, round((part.top + part.side) / 2) * 2))
    luma = picture.luma[top:bottom, left:right]
    blue, red = (plane[top // 2 : (bottom + 1) // 2, left // 2 : (right + 1) // 2] for plane in picture.planes[1:])
    return Picture(luma, blue, red, aspect), left * aspect, float(top)
