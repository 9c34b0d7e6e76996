"""Windows: the parts of a source that can be clips.

Times are whole milliseconds, so a plan, its publication and its rendering have equal numbers.
"""

from msgspec import Struct


class Lengths(Struct, frozen=True):
    """The range of allowed lengths of clips, in milliseconds."""

    shortest_ms: int
    longest_ms: int

    @classmethod
    def of(cls, shortest: float, longest: float) -> "Lengths":
        """Return the range between two lengths in seconds."""
        return cls(milliseconds(shortest), milliseconds(longest))


class Window(Struct, frozen=True, kw_only=True):
    """A part of the source that can be a clip.

    Attributes:
        first: Index of the first sentence.
        last: Index of the last sentence.
        start_ms: Start in the source, in milliseconds.
        end_ms: End in the source, in milliseconds.
        fade_in_ms: Time over which the sound comes up, in milliseconds; 0 for a start without a reaction.
        fade_out_ms: Time at the end over which the sound of a reaction dies away, in milliseconds.
    """

    first: int
    last: int
    start_ms: int
    end_ms: int
    fade_in_ms: int = 0
    fade_out_ms: int = 0

    @property
    def length_ms(self) -> int:
        """Length, in milliseconds."""
        return self.end_ms - self.start_ms

    def overlaps(self, other: "Window") -> bool:
        """Return whether two windows share a part of the source."""
        return self.start_ms < other.end_ms and other.start_ms < self.end_ms


def milliseconds(seconds: float) -> int:
    """Return seconds as whole milliseconds."""
    return round(seconds * 1000)
