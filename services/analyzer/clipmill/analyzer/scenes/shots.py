"""The shots of a video: what is asked of the detector's process, what it answers, and the document made of it."""

from collections.abc import Sequence
from itertools import pairwise

from clipmill.contracts.documents import Scenes, Shot
from msgspec import Struct

DETECTOR = "scenedetect-adaptive+gradual"
"""What `scenes.json` says of where its shots come from."""

DETECTION_TARGET = "clipmill.analyzer.scenes.detection:detect"
"""The function that runs in the child process."""


class DetectionRequest(Struct, frozen=True, kw_only=True):
    """What to look at and how.

    Attributes:
        store_url: the artifact store.
        key: the video in it.
        duration: seconds of picture, for the progress and for the spans of a long video.
        shortest: the shortest shot, seconds.
        threshold: how many times a frame must differ more than its neighbours do.
        least_change: how much it must differ at least, mean of hue, saturation and brightness, 0 to 255.
        longest_side: pixels of the pictures compared.
        processes: that may decode at once.
        span_seconds: what each of several decodes at least.
        memory_bytes: what all of them may need.
    """

    store_url: str
    key: str
    duration: float
    shortest: float
    threshold: float
    least_change: float
    longest_side: int
    processes: int = 1
    span_seconds: float = 120.0
    memory_bytes: int = 4 * 2**30


class Transition(Struct, frozen=True, kw_only=True):
    """A gradual change from one shot to the next, seconds from the first frame.

    Attributes:
        start: where the picture begins to change.
        end: where the change is complete.
        boundary: the first frame of the new shot: in the middle of a dissolve, or of a fade's dark or white part.
    """

    start: float
    end: float
    boundary: float


class Detected(Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        cuts: times of the first frames of new shots, seconds from the first frame, ascending.
        frame_rate: average frames a second.
        frames: how many were looked at.
        skipped: how many could not be decoded.
        transitions: gradual ones besides the cuts, in order.
        spans: in how many parts the video was decoded.
        note: what became of the parts, where not the expected; empty otherwise.
    """

    cuts: tuple[float, ...]
    frame_rate: float
    frames: int
    skipped: int = 0
    transitions: tuple[Transition, ...] = ()
    spans: int = 1
    note: str = ""


def contiguous(cuts: Sequence[float], duration: float, transitions: Sequence[Transition] = ()) -> tuple[Shot, ...]:
    """Return the shots between `cuts` and `transitions`, from 0 to `duration`, without gaps and none empty."""
    lengths = {each.boundary: round(each.end - each.start, 3) for each in transitions} | dict.fromkeys(cuts, 0.0)
    edges = [0.0, *sorted(edge for edge in lengths if 0 < edge < duration), duration]
    lengths[0.0] = 0.0
    return tuple(Shot(start=start, end=end, transition=lengths[start]) for start, end in pairwise(edges))


def scenes_from(detected: Detected, duration: float) -> Scenes:
    """Return the document that `detected` amounts to."""
    shots = contiguous(detected.cuts, duration, detected.transitions)
    return Scenes(shots=shots, detector=DETECTOR, frame_rate=detected.frame_rate)
