"""Faces, and what finds them."""

from dataclasses import dataclass
from typing import Protocol

from clipmill.renderer.pictures import Picture


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in shown pixels (square ones, a row's height the unit) of the upright picture.

    Attributes:
        left: of its left edge.
        top: of its upper edge.
        width: of the box.
        height: of the box.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle: x and y."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def right(self) -> float:
        """Of its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Of its lower edge."""
        return self.top + self.height

    def overlap(self, other: "Box") -> float:
        """Intersection over union with `other`, 0 to 1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        if across <= 0 or down <= 0:
            return 0.0
        common = across * down
        return common / (self.width * self.height + other.width * other.height - common)


@dataclass(frozen=True, slots=True)
class Face:
    """A face: from the eyebrows to the chin, about as wide as the face without the ears.

    Attributes:
        box: where it is.
        eyes: the height of the point between the eyes, shown pixels from the top.
        score: how sure the detector is, 0 to 1.
        mouth: the middle of the mouth, x and y, shown pixels.
    """

    box: Box
    eyes: float
    score: float
    mouth: tuple[float, float]


class FaceDetector(Protocol):
    """Whatever finds faces: it keeps nothing of a picture when it goes to the next.

    The contract every detector is tested against is in `services/renderer/tests/seeing/test_detector_contract.py`.
    How small a face it finds is its own affair: `searching.Search` shows it parts of a picture when that brings more
    to light.
    """

    def detect(self, picture: Picture) -> list[Face]:
        """Return the faces in `picture`, the surest first, each once."""
        ...
