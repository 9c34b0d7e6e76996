"""The shots of a video: the document made from what the detector found."""

from collections.abc import Sequence
from itertools import pairwise

from clipmill.analyzer.scenes.detection_request import Detected, Transition
from clipmill.contracts.documents import Scenes, Shot

DETECTOR = "scenedetect-adaptive+gradual"
"""Name of the detector in `scenes.json`."""


def contiguous(cuts: Sequence[float], duration: float, transitions: Sequence[Transition] = ()) -> tuple[Shot, ...]:
    """Return the shots between `cuts` and `transitions`, from 0 to `duration`, without gaps and none empty."""
    lengths = {each.boundary: round(each.end - each.start, 3) for each in transitions} | dict.fromkeys(cuts, 0.0)
    edges = [0.0, *sorted(edge for edge in lengths if 0 < edge < duration), duration]
    lengths[0.0] = 0.0
    return tuple(Shot(start=start, end=end, transition=lengths[start]) for start, end in pairwise(edges))


def scenes_from(detected: Detected, duration: float) -> Scenes:
    """Return the document of the shots in `detected`."""
    shots = contiguous(detected.cuts, duration, detected.transitions)
    return Scenes(shots=shots, detector=DETECTOR, frame_rate=detected.frame_rate, note=detected.note)
