"""A cheap look at the whole clip before anything of it is drawn: who is where, and whose mouth moves.

What is kept is numbers: boxes and motion of a few faces some times a second, so that a clip's length hardly matters.
"""

from dataclasses import dataclass

from clipmill.renderer.shots import Span
from clipmill.renderer.tracking import Track


@dataclass(frozen=True, slots=True)
class SurveyedShot:
    """What was seen of a shot.

    Attributes:
        span: its frames.
        looks: the frames that were searched for faces, in order; those of the tracks' sightings are among them.
        tracks: the people seen, in order of appearance.
    """

    span: Span
    looks: tuple[int, ...]
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of a clip. Boxes are in shown pixels of the pictures that will be drawn.

    Attributes:
        rate: frames a second.
        width: of those pictures, shown pixels.
        height: likewise.
        shots: together all frames of the clip.
    """

    rate: float
    width: float
    height: float
    shots: tuple[SurveyedShot, ...]
