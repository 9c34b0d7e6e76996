"""Decoded frames of any kind become upright, progressive, limited-range BT.709 pictures in 8-bit 4:2:0."""

import av
import cv2
import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from clipmill.renderer.pictures import Picture, Plane, view

LARGEST_SHORT_SIDE = 2160
"""Samples. A crop of 9:16 never needs more to fill 1080x1920; above it pictures only cost memory and alias."""

SD_HEIGHT = 576
"""Rows up to which a picture that does not say its matrix is taken for BT.601, as players do."""

MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""From ISO/IEC 23091-2 matrix coefficients, as frames carry them, to what the scaler calls them."""


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


class Converter:
    """Turns frames of one stream into pictures of one size.

    Args:
        pixel_aspect: of the stream's samples, width over height, before any rotation.
    """

    def __init__(self, pixel_aspect: float) -> None:
        self._pixel_aspect = pixel_aspect
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def convert(self, frame: av.VideoFrame) -> Picture:
        """Return `frame` upright. Its samples are shared, not copied, where nothing had to change."""
        if self._size is None:
            self._size = _held_size(frame.width, frame.height)
        picture = view(self._reformatted(frame, self._size))
        turns = round(frame.rotation / 90) % 4  # counter-clockwise, as the display matrix says
        aspect = self._pixel_aspect if turns % 2 == 0 else 1 / self._pixel_aspect
        luma, blue, red = (_turned(plane, turns) for plane in picture.planes)
        return Picture(luma, blue, red, aspect)

    def _reformatted(self, frame: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
        matrix = MATRICES.get(frame.colorspace)
        if matrix is None:
            matrix = Colorspace.ITU601 if frame.height <= SD_HEIGHT else Colorspace.ITU709
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        plain = frame.format.name == "yuv420p" and matrix is Colorspace.ITU709 and not full
        if plain and (frame.width, frame.height) == size:
            return frame
        return self._reformatter.reformat(
            frame,
            *size,
            "yuv420p",
            src_colorspace=None if frame.format.is_rgb else matrix,
            dst_colorspace=Colorspace.ITU709,
            interpolation=Interpolation.BICUBIC,
            src_color_range=ColorRange.JPEG if full or frame.format.is_rgb else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
        )


def _held_size(width: int, height: int) -> tuple[int, int]:
    """The size of the pictures: the frame's own, or less for one that is larger than a clip can show."""
    factor = LARGEST_SHORT_SIDE / min(width, height)
    if factor >= 1:
        return width, height
    return round(width * factor / 2) * 2, round(height * factor / 2) * 2


_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


def _turned(plane: Plane, turns: int) -> Plane:
    """Return `plane` turned counter-clockwise by quarter `turns`."""
    return np.asarray(cv2.rotate(plane, _TURNS[turns]), np.uint8) if turns else plane
