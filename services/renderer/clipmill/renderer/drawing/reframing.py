"""Drawing of a picture on the canvas according to its framing: crops are scaled into their panes, all in YUV.

A crop begins at a fraction of a pixel to make slow movements smooth. FFmpeg's scaler is the fastest available (0.8 ms
per 1080x1920 plane on one thread; OpenCV's takes 1.3, a cubic warp 12), but it takes whole pixels only. So it scales a
part a little larger than the crop, and the crop is cut out of the result. The beginning of the part decides at which
fraction of a canvas pixel the crop's edge falls; one of a few beginnings puts it almost on a whole pixel. Mixing
neighbouring pixels makes up the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from clipmill.contracts.options import Background
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.pictures import BLACK, Picture, Plane

REACH = 3
"""Source samples beyond the crop that cubic interpolation reads, plus one; more where the picture is reduced."""

BEGINNINGS = 12
"""Most source samples by which the scaled part begins farther out than it must. At 1080p a canvas of 1080x1920 is 16/9
of the crop: nine beginnings put the edge at every ninth of a canvas sample."""

NEGLIGIBLE = 1 / 6
"""Largest misplacement that nobody sees, in canvas samples, also while the camera pans: H.264 itself moves pictures in
quarters of a sample. Mixing neighbours would blur up to a third of the finest detail instead, now more and now
less while a crop moves."""

EXACT = 1e-6
"""Distance in samples below which two positions are equal."""

BLUR_PART = 15
"""Factor by which the background is smaller than the canvas while it is blurred."""

BLUR_SIGMA = 3.0
"""Standard deviation of the Gaussian, in samples at the reduced size; 45 on the canvas."""

BACKGROUND_LIGHT, BACKGROUND_COLOUR = 0.45, 0.7
"""Parts of the blurred background's luma and chroma that are kept, so the picture in front of it stands out."""

SOLID = (30, 131, 126)
"""Y, U, V of the plain background: sRGB #0F1114, nearly black and a little cool."""

DIVIDER = 4
"""Width of the black line between the two panes of `split`, in pixels: without it two crops of one room look like one
broken picture."""


SCALERS = 16
"""Number of scalers that are kept, the most recently used; each takes 0.75 MB or more. A scaler is made for its sizes,
which change with each shot; a framing needs ten at most: two for a pane, and two for each of the bars on its four
sides."""


class Reframer:
    """Draws pictures on a canvas, in one thread only because its scalers are not safe to share."""

    def __init__(self) -> None:
        self._scaler = lru_cache(SCALERS)(_scaler)

    def draw(self, picture: Picture, framing: Framing, canvas: Picture, background: Background) -> None:
        """Draw a picture according to its framing.

        Args:
            picture: Picture of any size.
            framing: Framing whose panes have even edges inside the canvas.
            canvas: Canvas of any even size, which is overwritten.
            background: Background behind panes that do not cover the canvas.
        """
        for pane in framing.panes:
            self._draw_pane(picture, pane, canvas)
        if framing.layout is Layout.SPLIT:
            for pane in framing.panes[1:]:
                _draw_divider(pane, canvas)
        if framing.layout is Layout.FIT:
            self._draw_background(framing.panes[0], canvas, background)

    def _draw_pane(self, picture: Picture, pane: Pane, canvas: Picture) -> None:
        crop = pane.crop
        across, down = crop.width / picture.pixel_aspect / pane.width, crop.height / pane.height
        left, top = crop.left / picture.pixel_aspect, crop.top
        luma, blue, red = _regions(canvas, pane)
        self._scale(picture.luma, luma, (left, top), (across, down))
        # Chroma samples of 4:2:0 are on every other luma column, and between two luma rows (ISO/IEC 14496-10, type 0).
        left = left / 2 + (1 - across) / 4
        self._scale(picture.blue, blue, (left, top / 2), (across, down))
        self._scale(picture.red, red, (left, top / 2), (across, down))

    def _scale(self, plane: Plane, out: Plane, corner: tuple[float, float], pitch: tuple[float, float]) -> None:
        """Fill `out` from `plane`.

        Args:
            plane: Source plane.
            out: Target plane.
            corner: Point of the source that becomes the upper left corner of `out`: x and y, in source samples. Outside
                the source its edge is repeated.
            pitch: Source samples per sample of `out`, across and down.
        """
        height, width = out.shape
        columns = _part(corner[0], pitch[0], width, plane.shape[1])
        rows = _part(corner[1], pitch[1], height, plane.shape[0])
        part = plane[rows.begin : rows.begin + rows.size, columns.begin : columns.begin + columns.size]
        _place(self._scaled(part, columns.target, rows.target), columns.place, rows.place, out)

    def _scaled(self, part: Plane, width: int, height: int) -> Plane:
        if part.shape == (height, width):
            return part
        # Setting up a scaler for its sizes takes longer than scaling, so each pane keeps its scalers.
        scaler = self._scaler(*part.shape, width, height)
        frame = av.VideoFrame.from_numpy_buffer(part, format="gray")
        scaled = scaler.reformat(frame, width, height, "gray", interpolation=Interpolation.BICUBIC, threads=1)
        samples = np.frombuffer(memoryview(scaled.planes[0]), np.uint8)
        return samples.reshape(height, scaled.planes[0].line_size)[:, :width]

    def _draw_background(self, pane: Pane, canvas: Picture, background: Background) -> None:
        """Fill the bars that a pane leaves free, above and below it and on its sides."""
        right, bottom = pane.left + pane.width, pane.top + pane.height
        around = (
            Pane(pane.crop, 0, 0, canvas.width, pane.top),
            Pane(pane.crop, 0, bottom, canvas.width, canvas.height - bottom),
            Pane(pane.crop, 0, pane.top, pane.left, pane.height),
            Pane(pane.crop, right, pane.top, canvas.width - right, pane.height),
        )
        bars = tuple(bar for bar in around if bar.width and bar.height)
        if background is Background.SOLID:
            for bar in bars:
                _fill(bar, canvas, SOLID)
        elif bars:
            self._blur(pane, bars, canvas)

    def _blur(self, pane: Pane, bars: Sequence[Pane], canvas: Picture) -> None:
        """Fill `bars` with the middle of the pane's picture, enlarged to the canvas, blurred and darkened."""
        size = (max(1, canvas.width // BLUR_PART), max(1, canvas.height // BLUR_PART))
        shown, targets = _regions(canvas, _middle(pane, canvas)), [_regions(canvas, bar) for bar in bars]
        for index, picture in enumerate(shown):
            blurred = cv2.GaussianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), (0, 0), BLUR_SIGMA)
            black, kept = (16, BACKGROUND_LIGHT) if index == 0 else (128, BACKGROUND_COLOUR)
            small = np.asarray(cv2.convertScaleAbs(blurred, alpha=kept, beta=black * (1 - kept)), np.uint8)
            height, width = canvas.planes[index].shape
            pitch = (size[0] / width, size[1] / height)
            part = 1 if index == 0 else 2
            for bar, regions in zip(bars, targets, strict=True):
                corner = (bar.left // part * pitch[0], bar.top // part * pitch[1])
                self._scale(small, regions[index], corner, pitch)


def _scaler(*sizes: int) -> VideoReformatter:
    """Return a new scaler; the cache keeps one per sizes."""
    return VideoReformatter()


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of a source that is scaled, along one axis.

    Attributes:
        begin: First sample.
        size: Number of samples.
        target: Number of samples after scaling.
        place: Position of the crop's edge after scaling.
    """

    begin: int
    size: int
    target: int
    place: float


@lru_cache(maxsize=256)  # a still camera asks for one part at each frame
def _part(edge: float, pitch: float, count: int, length: int) -> _Part:
    """Return the part to scale to get `count` samples, `pitch` source samples apart, from `edge` on.

    Args:
        edge: Edge of the crop, in source samples.
        pitch: Source samples per sample after scaling.
        count: Number of samples after scaling.
        length: Number of samples of the source.
    """
    needed = count * pitch
    if abs(edge) < EXACT and abs(needed - length) < EXACT:
        return _Part(0, length, count, 0.0)
    size, target = _sizes(pitch, needed, length)
    scale = target / size
    farthest = min(max(0, int(edge) - _reach(pitch)), length - size)
    nearest = max(0, min(farthest, int(np.ceil(edge + needed)) + _reach(pitch) - size), farthest - BEGINNINGS)
    # The crop's middle is placed: where `scale` is not quite 1 / `pitch`, both ends are off equally.
    places = [(edge + needed / 2 - begin) * scale - count / 2 for begin in range(farthest, nearest - 1, -1)]
    off = [abs(place - round(place)) for place in places]
    best = int(np.argmin(off))
    return _Part(farthest - best, size, target, float(round(places[best])) if off[best] <= NEGLIGIBLE else places[best])


@lru_cache(maxsize=256)
def _sizes(pitch: float, needed: float, length: int) -> tuple[int, int]:
    """Return the sizes of a part before and after scaling, equal for every position of the crop.

    A scaler's ratio is one of whole numbers; the size whose ratio is nearest to `pitch` is chosen.
    """
    least = min(length, int(np.ceil(needed)) + 2 * _reach(pitch) + 1)
    sizes = np.arange(least, min(length, least + BEGINNINGS) + 1)
    targets = np.maximum(1, np.rint(sizes / pitch))
    best = int(np.argmin(np.abs(targets * pitch / sizes - 1)))
    return int(sizes[best]), int(targets[best])


def _reach(pitch: float) -> int:
    return int(np.ceil(REACH * max(1.0, pitch)))


def _regions(canvas: Picture, pane: Pane) -> tuple[Plane, Plane, Plane]:
    """Return the canvas's samples that belong to a pane."""
    bottom, right = pane.top + pane.height, pane.left + pane.width
    return (
        canvas.luma[pane.top : bottom, pane.left : right],
        canvas.blue[pane.top // 2 : bottom // 2, pane.left // 2 : right // 2],
        canvas.red[pane.top // 2 : bottom // 2, pane.left // 2 : right // 2],
    )


def _middle(pane: Pane, canvas: Picture) -> Pane:
    """Return the largest part of a pane that has the canvas's shape."""
    aspect = canvas.width / canvas.height
    width = max(2, min(pane.width, round(pane.height * aspect)) & ~1)
    height = max(2, min(pane.height, round(pane.width / aspect)) & ~1)
    left, top = pane.left + (pane.width - width) // 4 * 2, pane.top + (pane.height - height) // 4 * 2
    return Pane(pane.crop, left, top, width, height)


def _place(scaled: Plane, x: float, y: float, out: Plane) -> None:
    """Fill `out` from `scaled`, whose point (x, y) becomes the corner of `out`."""
    height, width = out.shape
    column, row = int(np.floor(x)), int(np.floor(y))
    across, down = x - column, y - row
    missing_left, missing_top = max(0, -column), max(0, -row)
    missing_right = max(0, column + width + (across > 0) - scaled.shape[1])
    missing_bottom = max(0, row + height + (down > 0) - scaled.shape[0])
    if missing_left or missing_top or missing_right or missing_bottom:
        edges = (missing_top, missing_bottom, missing_left, missing_right)
        scaled = np.asarray(cv2.copyMakeBorder(scaled, *edges, cv2.BORDER_REPLICATE), np.uint8)
        column, row = column + missing_left, row + missing_top
    if down:
        upper, lower = scaled[row : row + height], scaled[row + 1 : row + 1 + height]
        scaled, row = np.asarray(cv2.addWeighted(upper, 1 - down, lower, down, 0), np.uint8), 0
    here = scaled[row : row + height, column : column + width]
    if across:
        beside = scaled[row : row + height, column + 1 : column + 1 + width]
        cv2.addWeighted(here, 1 - across, beside, across, 0, dst=out)
    else:
        np.copyto(out, here)


def _draw_divider(pane: Pane, canvas: Picture) -> None:
    """Draw a line where `pane` meets the one above it or on its left."""
    half = DIVIDER // 2
    if pane.top:
        line = Pane(pane.crop, pane.left, pane.top - half, pane.width, DIVIDER)
    elif pane.left:
        line = Pane(pane.crop, pane.left - half, pane.top, DIVIDER, pane.height)
    else:
        return
    _fill(line, canvas, BLACK)


def _fill(bar: Pane, canvas: Picture, colour: tuple[int, int, int]) -> None:
    for region, value in zip(_regions(canvas, bar), colour, strict=True):
        region[:] = value
