"""Faces and the protocol of face detectors."""

from dataclasses import dataclass
from typing import Protocol

from clipmill.renderer.pictures import Picture


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the upright picture, in shown pixels, which are squares as high as a row.

    Attributes:
        left: Position of its left edge.
        top: Position of its upper edge.
        width: Width of the box.
        height: Height of the box.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The box's middle, x and y."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def right(self) -> float:
        """Position of the right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Position of the lower edge."""
        return self.top + self.height

    def overlap(self, other: "Box") -> float:
        """Return the intersection over union with `other`, 0 to 1."""
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
        box: Place of the face in the picture.
        eyes: Distance of the point between the eyes from the picture's top, in shown pixels.
        score: The detector's confidence, 0 to 1.
        mouth: Middle of the mouth, x and y, in shown pixels.
    """

    box: Box
    eyes: float
    score: float
    mouth: tuple[float, float]


class FaceDetector(Protocol):
    """A detector finds the faces of one picture and keeps nothing of it for the next.

    `services/renderer/tests/seeing/test_detector_contract.py` tests every detector against this contract. A detector
    may miss small faces: `searching.Search` shows it parts of a picture to find them.
    """

    def detect(self, picture: Picture) -> list[Face]:
        """Return the faces in `picture`, each once, in order of falling score."""
        ...
