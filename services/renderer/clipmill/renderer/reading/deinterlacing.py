"""Deinterlacing: the two fields of each of 25 or 30 frames per second become one progressive picture."""

from collections import deque
from dataclasses import replace

import av
from av.filter import Graph
from clipmill.renderer.reading.timed_frames import TimedPicture


class Deinterlacer:
    """Makes one progressive frame of each interlaced one; progressive frames pass unchanged.

    The filter is built when the first interlaced frame comes. It needs the next frame, so it returns a frame late. It
    gives one frame for each that it takes, in order, and each keeps its time.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None
        self._pushed: deque[TimedPicture] = deque()

    def push(self, picture: TimedPicture) -> list[TimedPicture]:
        """Take the next picture; return the pictures that are now done."""
        frame = picture.frame
        form = (frame.width, frame.height, frame.format.name)
        done: list[TimedPicture] = []
        if self._graph is not None and form != self._form:
            done = self.flush()
        if self._graph is None:
            if not frame.interlaced_frame:
                return [*done, picture]
            self._graph, self._form = _deinterlacing(frame), form
        self._graph.push(frame)
        self._pushed.append(picture)
        return [*done, *self._retimed(_pulled(self._graph))]

    def flush(self) -> list[TimedPicture]:
        """Return the last pictures."""
        if self._graph is None:
            return []
        graph, self._graph = self._graph, None
        graph.push(None)
        last = self._retimed(_pulled(graph))
        self._pushed.clear()  # a frame that the filter kept must not lend its time to later ones
        return last

    def _retimed(self, frames: list[av.VideoFrame]) -> list[TimedPicture]:
        return [replace(self._pushed.popleft(), frame=frame) for frame in frames]


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
