"""Scene detection as a child process is asked for it: the request, the result and the function that runs there."""

from msgspec import Struct

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
        note: a sentence for the job's log where the parts could not be joined; empty otherwise.
    """

    cuts: tuple[float, ...]
    frame_rate: float
    frames: int
    skipped: int = 0
    transitions: tuple[Transition, ...] = ()
    spans: int = 1
    note: str = ""
