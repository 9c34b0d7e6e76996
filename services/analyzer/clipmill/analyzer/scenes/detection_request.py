"""Scene detection, as the parent process sees it: the request, the result, and the name of the function."""

from msgspec import Struct

DETECTION_TARGET = "clipmill.analyzer.scenes.detection:detect"
"""The function that runs in the child process."""


class DetectionRequest(Struct, frozen=True, kw_only=True):
    """A request to find the shots of a video.

    Attributes:
        store_url: URL of the artifact store.
        key: Key of the video in the store.
        duration: Length of the picture, in seconds, for the progress and for the chunks of a long video.
        start: Start of the part that is searched, in seconds.
        end: End of the part that is searched, in seconds; None for the end of the picture.
        shortest: Length of the shortest shot, in seconds.
        threshold: Smallest ratio of a frame's change to its neighbours' change that counts as a cut.
        least_change: Smallest change of a frame that counts as a cut, mean of hue, saturation and brightness, 0 to 255.
        longest_side: Longer side of the compared pictures, in pixels.
        processes: Largest number of processes that decode at once.
        chunk_seconds: Length of the shortest chunk that a process decodes, in seconds.
        memory_bytes: Memory that all processes may use together, in bytes.
    """

    store_url: str
    key: str
    duration: float
    start: float = 0.0
    end: float | None = None
    shortest: float
    threshold: float
    least_change: float
    longest_side: int
    processes: int = 1
    chunk_seconds: float = 120.0
    memory_bytes: int = 4 * 2**30


class Transition(Struct, frozen=True, kw_only=True):
    """A gradual change from one shot to the next. All times are in seconds from the first frame.

    Attributes:
        start: Time at which the picture begins to change.
        end: Time at which the change is complete.
        boundary: Time of the first frame of the new shot: in the middle of a dissolve, or of a fade's even part.
    """

    start: float
    end: float
    boundary: float


class Detected(Struct, frozen=True, kw_only=True):
    """The shots of a video, as the detection found them.

    Attributes:
        cuts: Times of the first frames of new shots, in seconds from the first frame, ascending.
        frame_rate: Average frames per second.
        frames: Number of frames measured.
        skipped: Number of frames that could not be decoded.
        transitions: Gradual transitions, which are no cuts, in order.
        chunks: Number of chunks in which the video was decoded.
        note: Sentence for the job's log if the chunks could not be joined; empty otherwise.
    """

    cuts: tuple[float, ...]
    frame_rate: float
    frames: int
    skipped: int = 0
    transitions: tuple[Transition, ...] = ()
    chunks: int = 1
    note: str = ""
