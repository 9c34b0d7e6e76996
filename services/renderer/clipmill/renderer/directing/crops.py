"""The size of crops for a canvas, a pane, a face; the camera chooses their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from clipmill.renderer.canvas import Canvas
from clipmill.renderer.directing.presence import size
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.tracking import Track

HEADROOM = 0.6
"""Face heights kept above a face, for forehead and hair. A face box begins at the eyebrows and is two thirds of an
artist's face (hairline to chin)."""

CHIN = 0.15
"""Face heights kept below a face: a chin does not touch the edge."""

EARS = 0.12
"""Face widths kept on either side: the ears begin there."""

EYE_LINE = 0.39
"""Crop heights from the top to the eyes, in a crop with room above and below. This is a little below the upper third:
captions above the middle of the lower half leave the mouth free, and hair has some room."""

FILLING = 0.85
"""Share of the picture from which on a crop is shown alone: it loses too little to be worth a background."""

LEAST_FACE = 0.12
"""Crop heights below which a face is brought nearer, to a medium shot (from the waist up)."""

PANE_FACE = 0.27
"""Height of faces in the panes of a split, in pane heights: a close-up (head and shoulders)."""

CENTRED = 0.75
"""Smallest part of its usual size to which a pane's crop is shrunk to have somebody near the picture's edge in its
middle, with the eyes at EYE_LINE."""

LEAST_DETAIL = 0.5
"""Pixels of the picture per pixel of the canvas below which a closer crop would look blurred."""

LARGEST = 0.95
"""Quantile of a face's sizes that is taken for its largest size."""

GROUP_MARGIN = 1.5
"""Face widths kept beside a group that is shown fitted, for arms and people at the edge."""

CAPTION_BAND = 264
"""Pixels kept free for two lines of captions and a gap, on a canvas whose shorter side is 1080: below a picture that
does not fill the canvas, above the part that platforms cover."""

MOST_RAISED = 0.04
"""Most canvas heights by which a picture is raised for captions: more looks like a mistake, and the title needs
room too."""

Size = tuple[float, float]
"""Width and height, in pixels."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The picture to show and the canvas to fill.

    Attributes:
        width: Width of the picture, in shown pixels.
        height: Height of the picture, in shown pixels.
        rate: Frames per second.
        canvas: Canvas to fill.
    """

    width: float
    height: float
    rate: float
    canvas: Canvas

    @property
    def crop(self) -> Size:
        """Size of the largest crop of the canvas's shape."""
        return self.largest(self.canvas.aspect)

    @property
    def filled(self) -> float:
        """Share of the picture that this crop shows."""
        width, height = self.crop
        return width * height / (self.width * self.height)

    @property
    def pane(self) -> tuple[int, int]:
        """Size of one of two panes, which are stacked on an upright canvas and side by side on others."""
        upright = self.canvas.height > self.canvas.width
        return (
            (self.canvas.width, self.canvas.height // 4 * 2)
            if upright
            else (self.canvas.width // 4 * 2, self.canvas.height)
        )

    def largest(self, aspect: float) -> Size:
        """Return the size of the largest crop with that ratio of width to height."""
        width = min(self.width, self.height * aspect)
        return width, width / aspect


def followed(geometry: Geometry, group: Sequence[Track]) -> Size:
    """Return the size of the crop that follows people: the largest one, or a closer one for one small face.

    Args:
        geometry: Picture and canvas.
        group: People who are followed.
    """
    width, height = geometry.crop
    if len(group) != 1 or geometry.filled >= FILLING:
        return width, height
    least = max(LEAST_DETAIL * geometry.canvas.height, _least(group[0], geometry.canvas.aspect))
    nearer = max(size(group[0]) / LEAST_FACE, least)
    return (width, height) if nearer >= height else (nearer * geometry.canvas.aspect, nearer)


def paned(geometry: Geometry, person: Track, other: Track) -> Size:
    """Return the size of a person's crop in a split: a close-up, if possible without the other person.

    Args:
        geometry: Picture and canvas.
        person: Person in the pane.
        other: Person in the other pane.
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
    """Return the height of the smallest crop that holds a head at its largest: people come nearer, and cameras zoom."""
    heights = sorted(detection.face.box.height for detection in person.detections)
    largest = heights[int(LARGEST * (len(heights) - 1))]
    return max(largest * (1 + HEADROOM + CHIN), largest * (1 + 2 * EARS) / aspect)


def _room_around(geometry: Geometry, person: Track, aspect: float) -> float:
    """Return the height of the largest crop that can place a face in its middle with the eyes at their line."""
    across = middle(person)
    down = median(detection.face.eyes for detection in person.detections)
    return min(
        2 * across / aspect,
        2 * (geometry.width - across) / aspect,
        down / EYE_LINE,
        (geometry.height - down) / (1 - EYE_LINE),
    )


def _room_beside(width: float, person: Track, other: Track) -> float:
    """Return the width of the widest crop that has a person in its middle, edges permitting, and the other outside."""
    here, there = middle(person), middle(other)
    if here > there:
        here, there = width - here, width - there
    edge = there - (0.5 + EARS) * size(other)
    return edge if edge >= 2 * here else 2 * (edge - here)


def middle(track: Track) -> float:
    """Return the median position of a face across the picture, in shown pixels."""
    return median(detection.face.box.centre[0] for detection in track.detections)


def fitted(geometry: Geometry, people: Sequence[Track]) -> Box:
    """Return the part of the picture that is shown on a background: its height, and its width as far as people need it.

    The sides beside a group that is too wide for a crop are cut off, at most down to a square, so faces get larger.

    Args:
        geometry: Picture and canvas.
        people: People who are there; without any, the whole picture is shown.
    """
    if not people:
        return Box(0, 0, geometry.width, geometry.height)
    boxes = [detection.face.box for track in people for detection in track.detections]
    margin = GROUP_MARGIN * max(size(track) for track in people)
    left, right = min(box.left for box in boxes) - margin, max(box.right for box in boxes) + margin
    width = min(max(right - left, geometry.height), geometry.width)
    return Box(min(max((left + right - width) / 2, 0.0), geometry.width - width), 0, width, geometry.height)


def placed(geometry: Geometry, crop: Box) -> tuple[int, int, int, int]:
    """Return left, top, width and height on the canvas of a crop that is shown whole, in even pixels.

    Its place is the canvas's middle, or a little higher where only this leaves room for captions below it.
    """
    canvas = geometry.canvas
    scale = min(canvas.width / crop.width, canvas.height / crop.height)
    width = min(canvas.width, max(2, round(crop.width * scale / 2) * 2))
    height = min(canvas.height, max(2, round(crop.height * scale / 2) * 2))
    middle = (canvas.height - height) // 4 * 2
    raised = int(canvas.safe_bottom - CAPTION_BAND * canvas.unit - height) // 2 * 2
    top = raised if 0 < middle - raised <= MOST_RAISED * canvas.height else middle
    return (canvas.width - width) // 4 * 2, top, width, height
