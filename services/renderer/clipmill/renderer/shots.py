"""The shots of a clip, counted in its own frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clipmill.contracts.documents import Shot

SHORTEST_OWN_LAYOUT_SECONDS = 0.6
"""Length below which a shot keeps its neighbour's layout: a layout that flashes by looks like a mistake."""


@dataclass(frozen=True, slots=True)
class Span:
    """Frames of the clip that belong to one shot.

    Attributes:
        first: First frame of the shot.
        last: Last frame of the shot, included.
    """

    first: int
    last: int

    def brief(self, rate: float) -> bool:
        """Return whether the shot is too short for its own layout."""
        return (self.last - self.first + 1) / rate < SHORTEST_OWN_LAYOUT_SECONDS


def spans(shots: Sequence[Shot], start: float, rate: float, frames: int) -> list[Span]:
    """Return the clip's shots, which together are all its frames.

    Args:
        shots: Shots of the source, in order, with times in seconds of the source.
        start: Start of the clip, in seconds of the source, on the frame grid.
        rate: Frames per second.
        frames: Number of the clip's frames.
    """
    cuts = {round((shot.start - start) * rate) for shot in shots}
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < frames), frames]
    return [Span(first, after - 1) for first, after in pairwise(edges)]
