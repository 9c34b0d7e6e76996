"""What is shown of a picture, and where: the director's orders to whoever draws."""

from dataclasses import dataclass
from enum import StrEnum

from clipmill.renderer.seeing.faces import Box


class Layout(StrEnum):
    """How a picture is laid out on the canvas."""

    TRACK = "track"
    """A crop of the picture fills the canvas and follows the subject."""
    SPLIT = "split"
    """Two crops stacked (side by side on a wide canvas), a person in each."""
    FIT = "fit"
    """The whole picture, or most of it, on a background."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A part of the canvas and what of the picture it shows.

    Attributes:
        crop: the part of the picture, shown pixels, at fractions of them; of the pane's shape.
        left: of the pane on the canvas, even, pixels.
        top: likewise.
        width: likewise.
        height: likewise.
        faces: those that the pane shows, where they are in the picture, shown pixels; the subject's first.
    """

    crop: Box
    left: int
    top: int
    width: int
    height: int
    faces: tuple[Box, ...] = ()

    def placed(self, box: Box) -> Box:
        """Return where a box of the picture comes to lie on the canvas, pixels; it may reach out of the pane."""
        scale = self.width / self.crop.width
        return Box(
            self.left + (box.left - self.crop.left) * scale,
            self.top + (box.top - self.crop.top) * scale,
            box.width * scale,
            box.height * scale,
        )


@dataclass(frozen=True, slots=True)
class Framing:
    """How one picture is shown.

    Attributes:
        layout: how the canvas is divided.
        panes: drawn in order; together they cover the canvas, but for `fit`, whose rest is background.
        shot: of the clip, from 0.
    """

    layout: Layout
    panes: tuple[Pane, ...]
    shot: int = 0

    @property
    def faces(self) -> tuple[Box, ...]:
        """The faces shown, on the canvas, pixels; the subjects of the panes first."""
        ranked = ((rank, pane.placed(face)) for pane in self.panes for rank, face in enumerate(pane.faces))
        return tuple(face for _, face in sorted(ranked, key=lambda item: item[0]))
