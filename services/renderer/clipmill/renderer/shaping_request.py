"""What the service asks at its start of a process that can set text, and what it gets back."""

from msgspec import Struct

SHAPING_TARGET = "clipmill.renderer.text.typefaces:shaping"
"""The function that runs in the child process."""


class ShapingRequest(Struct, frozen=True):
    """Asks whether text is shaped on this machine; there is nothing else to say."""


class Shaping(Struct, frozen=True):
    """How text is set on this machine.

    Attributes:
        shapes: whether letters are joined, stacked and reordered as their script wants it.
    """

    shapes: bool
