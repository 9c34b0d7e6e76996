"""Who speaks when: mouths that move while speech is heard."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """A time in which one person speaks (or is still looked at, nobody else speaking).

    Attributes:
        first: frame of the clip.
        last: frame of the clip, included.
        track: number of the person's track within the shot.
    """

    first: int
    last: int
    track: int
