"""Windows: the parts of a source that can be clips.

Everything here counts in whole milliseconds, so that what is planned, published and rendered is the same number.
"""

from msgspec import Struct


class Lengths(Struct, frozen=True):
    """The range of lengths that clips may have, milliseconds."""

    shortest_ms: int
    longest_ms: int

    @classmethod
    def of(cls, shortest: float, longest: float) -> "Lengths":
        """Return the range from seconds."""
        return cls(milliseconds(shortest), milliseconds(longest))


class Window(Struct, frozen=True, kw_only=True):
    """A stretch of the source that can be a clip.

    Attributes:
        first: index of the first sentence.
        last: index of the last sentence.
        start_ms: where it starts, milliseconds of the source.
        end_ms: where it ends.
    """

    first: int
    last: int
    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is, milliseconds."""
        return self.end_ms - self.start_ms

    def overlaps(self, other: "Window") -> bool:
        """Tell whether two windows share any of the source."""
        return self.start_ms < other.end_ms and other.start_ms < self.end_ms


def milliseconds(seconds: float) -> int:
    """Return seconds as whole milliseconds."""
    return round(seconds * 1000)
