"""Two fields of 25 or 30 frames a second become one progressive picture a frame."""

import av
from av.filter import Graph


class Deinterlacer:
    """Makes progressive frames of interlaced ones, one a frame; progressive frames pass untouched.

    The filter is built when the first interlaced frame comes. It looks one frame ahead, so it returns one frame late.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Return the frames that are done once `frame` is known."""
        form = (frame.width, frame.height, frame.format.name)
        done: list[av.VideoFrame] = []
        if self._graph is not None and form != self._form:
            done = self.flush()
        if self._graph is None:
            if not frame.interlaced_frame:
                return [*done, frame]
            self._graph, self._form = _deinterlacing(frame), form
        self._graph.push(frame)
        return [*done, *_pulled(self._graph)]

    def flush(self) -> list[av.VideoFrame]:
        """Return the last frames."""
        if self._graph is None:
            return []
        graph, self._graph = self._graph, None
        graph.push(None)
        return _pulled(graph)


def _deinterlacing(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    sink = graph.add("buffersink")
    source.link_to(bwdif)
    bwdif.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph) -> list[av.VideoFrame]:
    frames: list[av.VideoFrame] = []
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return frames
        if isinstance(frame, av.VideoFrame):
            frames.append(frame)
