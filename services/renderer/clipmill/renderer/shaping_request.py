"""The request of the starting service to a process that can set text, and its answer."""

from msgspec import Struct

SHAPING_TARGET = "clipmill.renderer.text.typefaces:shaping"
"""The function that runs in the child process."""


class ShapingRequest(Struct, frozen=True):
    """Asks whether text is shaped on this machine."""


class Shaping(Struct, frozen=True):
    """The answer of the process.

    Attributes:
        shapes: True if letters are joined, stacked and reordered as their script requires.
    """

    shapes: bool
