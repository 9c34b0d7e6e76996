"""The measuring of one chunk of a video, which runs in a child process."""

from collections.abc import Callable

from clipmill.analyzer.scenes.chunk_request import ChunkRequest, Measures
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from clipmill.analyzer.scenes.frame_measures import measured
from clipmill.artifacts.store import open_store


def measure_chunk(request: ChunkRequest, report: Callable[[float], None]) -> Measures:
    """Return the measures of a chunk's frames.

    Args:
        request: The chunk, and how to measure it.
        report: Function that receives the percentage done.

    Raises:
        Transient: if the store cannot be reached.
    """
    percents = Percents(request.start, request.end, report)
    with open_store(request.store_url).open_media(request.key) as file:
        stream = DetectionStream(file, request.longest_side, percents.reached, request.chunk, request.threads)
        try:
            return measured(stream)
        finally:
            stream.close()


class Percents:
    """Turns times of frames into whole percents and reports each once.

    Args:
        start: Time at which nothing is done, in seconds.
        end: Time at which everything is done, in seconds.
        report: Function that receives the percentage done.
    """

    def __init__(self, start: float, end: float, report: Callable[[float], None]) -> None:
        self._start = start
        self._end = end
        self._report = report
        self._said = 0

    def reached(self, seconds: float) -> None:
        """Take the time of a frame, in seconds."""
        done, all_of_it = seconds - self._start, max(self._end, seconds) - self._start
        percent = int(100 * done / all_of_it) if all_of_it > 0 else 0
        if percent > self._said:
            self._said = percent
            self._report(percent)
