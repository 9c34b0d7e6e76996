"""How much of a picture a crop shows: its size for a canvas, a pane, a face. Where it lies is the camera's business."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from clipmill.renderer.canvas import Canvas
from clipmill.renderer.directing.presence import size
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.tracking import Track

HEADROOM = 0.6
"""Face heights kept above a face, for forehead and hair. A face box begins at the eyebrows and is two thirds of what
an artist calls a face (hairline to chin)."""

CHIN = 0.15
"""Face heights below a face, so that a chin does not touch the edge."""

EARS = 0.12
"""Face widths on either side: where the ears begin."""

EYE_LINE = 0.39
"""Where the eyes stand in a crop that has room above and below, crop heights from its top: a little below the upper
third, so that captions above the middle of the lower half leave the mouth free and hair has air."""

FILLING = 0.85
"""A crop that shows this much of the picture loses nothing worth a background."""

LEAST_FACE = 0.12
"""Crop heights: a smaller face is brought nearer, to a medium shot (from the waist up)."""

PANE_FACE = 0.27
"""Pane heights: how large faces are in the panes of a split, which is a close-up (head and shoulders)."""

CENTRED = 0.75
"""Of a pane's crop this part is left, at least, when it is made smaller so that somebody near an edge of the picture
stands in its middle, and with the eyes at their line."""

LEAST_DETAIL = 0.5
"""Pixels of the picture for one of the canvas: a closer crop would show that there are no more."""

LARGEST = 0.95
"""Quantile of a face's sizes that is taken for its largest."""

GROUP_MARGIN = 1.5
"""Face widths kept beside a group that is shown fitted: arms, and who sits at the edge."""

CAPTION_BAND = 264
"""Kept free below a picture that does not fill the canvas, above what platforms cover: two lines of captions, a gap;
pixels on a canvas whose shorter side is 1080."""

MOST_RAISED = 0.04
"""Canvas heights that a picture is raised for that at most: more looks like a mistake, and the title wants room too."""

Size = tuple[float, float]
"""Width and height, pixels."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """What there is to show and what to fill with it.

    Attributes:
        width: of the picture, shown pixels.
        height: likewise.
        rate: frames a second.
        canvas: to be filled.
    """

    width: float
    height: float
    rate: float
    canvas: Canvas

    @property
    def crop(self) -> Size:
        """The largest crop of the canvas's shape."""
        return self.largest(self.canvas.aspect)

    @property
    def filled(self) -> float:
        """Which share of the picture that crop shows."""
        width, height = self.crop
        return width * height / (self.width * self.height)

    @property
    def pane(self) -> tuple[int, int]:
        """Of one of two panes: stacked on an upright canvas, side by side on others."""
        upright = self.canvas.height > self.canvas.width
        return (
            (self.canvas.width, self.canvas.height // 4 * 2)
            if upright
            else (self.canvas.width // 4 * 2, self.canvas.height)
        )

    def largest(self, aspect: float) -> Size:
        """Return the largest crop of that shape."""
        width = min(self.width, self.height * aspect)
        return width, width / aspect


def followed(geometry: Geometry, group: Sequence[Track]) -> Size:
    """Return the size of the crop that follows people: the largest, nearer if it is about one small face.

    Args:
        geometry: to be filled.
        group: who is followed.
    """
    width, height = geometry.crop
    if len(group) != 1 or geometry.filled >= FILLING:
        return width, height
    least = max(LEAST_DETAIL * geometry.canvas.height, _least(group[0], geometry.canvas.aspect))
    nearer = max(size(group[0]) / LEAST_FACE, least)
    return (width, height) if nearer >= height else (nearer * geometry.canvas.aspect, nearer)


def paned(geometry: Geometry, person: Track, other: Track) -> Size:
    """Return the size of a person's crop in a split: a close-up, without the other person if that can be.

    Args:
        geometry: to be filled.
        person: in the pane.
        other: in the other pane.
    """
    pane = geometry.pane
    aspect = pane[0] / pane[1]
    wanted = size(person) / PANE_FACE
    alone = _room_beside(geometry.width, person, other) / aspect
    centred = max(_room_around(geometry, person, aspect), CENTRED * wanted)
    least = max(LEAST_DETAIL * pane[1], _least(person, aspect))
    height = min(max(min(wanted, alone, centred), least), geometry.largest(aspect)[1])
    return height * aspect, height


def _least(person: Track, aspect: float) -> float:
    """The height of the smallest crop that holds a head at its largest: people come nearer, and cameras zoom."""
    heights = sorted(detection.face.box.height for detection in person.detections)
    largest = heights[int(LARGEST * (len(heights) - 1))]
    return max(largest * (1 + HEADROOM + CHIN), largest * (1 + 2 * EARS) / aspect)


def _room_around(geometry: Geometry, person: Track, aspect: float) -> float:
    """The height of the largest crop that can have a face where it belongs."""
    across = middle(person)
    down = median(detection.face.eyes for detection in person.detections)
    return min(
        2 * across / aspect,
        2 * (geometry.width - across) / aspect,
        down / EYE_LINE,
        (geometry.height - down) / (1 - EYE_LINE),
    )


def _room_beside(width: float, person: Track, other: Track) -> float:
    """The widest crop with a person in its middle (as far as the picture's edge lets it) and the other outside."""
    here, there = middle(person), middle(other)
    if here > there:
        here, there = width - here, width - there
    edge = there - (0.5 + EARS) * size(other)
    return edge if edge >= 2 * here else 2 * (edge - here)


def middle(track: Track) -> float:
    """Return where a face is across the picture, its median, shown pixels."""
    return median(detection.face.box.centre[0] for detection in track.detections)


def fitted(geometry: Geometry, people: Sequence[Track]) -> Box:
    """Return the part of the picture that is shown on a background: all its height, and its width or what people need.

    What lies beside a group that is too wide for a crop is left out as far as a square, so that its faces get larger.

    Args:
        geometry: to be filled.
        people: who is there; without anybody it is the whole picture.
    """
    if not people:
        return Box(0, 0, geometry.width, geometry.height)
    boxes = [detection.face.box for track in people for detection in track.detections]
    margin = GROUP_MARGIN * max(size(track) for track in people)
    left, right = min(box.left for box in boxes) - margin, max(box.right for box in boxes) + margin
    width = min(max(right - left, geometry.height), geometry.width)
    return Box(min(max((left + right - width) / 2, 0.0), geometry.width - width), 0, width, geometry.height)


def placed(geometry: Geometry, crop: Box) -> tuple[int, int, int, int]:
    """Return left, top, width and height on the canvas of a crop that is shown whole, even pixels.

    It lies in the canvas's middle, or a little higher where captions have room below it only so.
    """
    canvas = geometry.canvas
    scale = min(canvas.width / crop.width, canvas.height / crop.height)
    width = min(canvas.width, max(2, round(crop.width * scale / 2) * 2))
    height = min(canvas.height, max(2, round(crop.height * scale / 2) * 2))
    middle = (canvas.height - height) // 4 * 2
    raised = int(canvas.safe_bottom - CAPTION_BAND * canvas.unit - height) // 2 * 2
    top = raised if 0 < middle - raised <= MOST_RAISED * canvas.height else middle
    return (canvas.width - width) // 4 * 2, top, width, height
