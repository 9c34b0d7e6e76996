"""Framings: the director's orders to the drawing code, with the parts of a picture to show and their places."""

from dataclasses import dataclass
from enum import StrEnum

from clipmill.renderer.seeing.faces import Box


class Layout(StrEnum):
    """The layout of a picture on the canvas."""

    TRACK = "track"
    """A crop of the picture fills the canvas and follows the subject."""
    SPLIT = "split"
    """Two crops stacked (side by side on a wide canvas), a person in each."""
    FIT = "fit"
    """The whole picture, or most of it, on a background."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A part of the canvas and the part of the picture that it shows.

    Attributes:
        crop: Part of the picture, of the pane's shape, in shown pixels and fractions of them.
        left: Left edge of the pane on the canvas, in pixels, even.
        top: Upper edge of the pane on the canvas, in pixels, even.
        width: Width of the pane, in pixels, even.
        height: Height of the pane, in pixels, even.
        faces: Faces that the pane shows, in shown pixels of the picture; the subject's first.
    """

    crop: Box
    left: int
    top: int
    width: int
    height: int
    faces: tuple[Box, ...] = ()

    def placed(self, box: Box) -> Box:
        """Return a box of the picture as a box on the canvas, in pixels; it may reach out of the pane."""
        scale = self.width / self.crop.width
        return Box(
            self.left + (box.left - self.crop.left) * scale,
            self.top + (box.top - self.crop.top) * scale,
            box.width * scale,
            box.height * scale,
        )


@dataclass(frozen=True, slots=True)
class Framing:
    """The way in which one picture is shown.

    Attributes:
        layout: Layout of the canvas.
        panes: Panes in the order of drawing. They cover the canvas together; with `fit`, the rest is background.
        shot: Index of the clip's shot, from 0.
    """

    layout: Layout
    panes: tuple[Pane, ...]
    shot: int = 0

    @property
    def faces(self) -> tuple[Box, ...]:
        """Boxes on the canvas of the faces shown, in pixels; the subjects of the panes first."""
        ranked = ((rank, pane.placed(face)) for pane in self.panes for rank, face in enumerate(pane.faces))
        return tuple(face for _, face in sorted(ranked, key=lambda item: item[0]))
