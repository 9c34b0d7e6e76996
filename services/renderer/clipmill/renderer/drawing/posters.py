"""The still picture that stands for a clip."""

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from clipmill.renderer.framings import Framing
from clipmill.renderer.pictures import Picture, Plane, view
from clipmill.renderer.seeing.faces import Box

EVERY_SECONDS = 0.2
"""Of video between two candidates. A blink lasts 0.1 to 0.4 s: some candidate lies beside it."""

SETTLING_SECONDS = 0.3
"""At the clip's start, where nothing is chosen: the first frames of a sentence are seldom its best."""

EYES = (0.05, 0.45)
"""The part of a face's box, from its top, in which the eyes are (the box reaches from the eyebrows to the chin)."""

MEASURED_SIZE = 96
"""Pixels of a face's side at which sharpness is measured, so that small and large ones compare."""

LEAST_FACE = 48
"""Pixels of a face's side on the canvas, below which it does not count as one."""

LARGE_FACE = 0.3
"""Part of the canvas's shorter side that a face takes when more would not make a better poster."""

JPEG_QUALITIES = (90, 85, 80, 72, 64, 55, 45, 35)
JPEG_BYTES = 300 * 1000
"""The highest of the qualities is taken whose file is no larger, or the lowest."""


@dataclass(frozen=True, slots=True, order=True)
class _Merit:
    """How well a picture stands for the clip; pictures with a face come before those without."""

    settled: bool
    face: bool
    score: float


class PosterPicker:
    """Keeps the best picture seen so far.

    The sharpest eyes on the largest face win: eyes that are open show edges of lids, iris and white, and lose them when
    they blink, when the head moves fast and when the picture is out of focus.

    Args:
        rate: frames a second of the clip.
    """

    def __init__(self, rate: float) -> None:
        self._every = max(1, round(EVERY_SECONDS * rate))
        self._settled = SETTLING_SECONDS * rate
        self._best: _Merit | None = None
        self._frame: av.VideoFrame | None = None

    def consider(self, index: int, framing: Framing, canvas: Picture) -> None:
        """Look at frame `index`, as drawn and before captions."""
        settled = index >= self._settled
        if index % self._every or (index and not settled):
            return
        merit = _merit(framing, canvas, settled=settled)
        if self._best is None or merit > self._best:
            self._best = merit
            self._keep(canvas)

    def save(self, path: Path) -> None:
        """Write the best picture as JPEG.

        Raises:
            ValueError: if there was none.
        """
        if self._frame is None:
            raise ValueError("No picture was considered; consider one before saving.")
        picture = self._frame.reformat(
            format="bgr24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.BICUBIC,
        )
        pixels = picture.to_ndarray()
        for quality in JPEG_QUALITIES:
            wanted = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1)
            _, data = cv2.imencode(".jpg", pixels, wanted)
            if data.size <= JPEG_BYTES:
                break
        path.write_bytes(data.tobytes())

    def _keep(self, canvas: Picture) -> None:
        if self._frame is None:
            self._frame = av.VideoFrame(canvas.width, canvas.height, "yuv420p")
        for kept, plane in zip(view(self._frame).planes, canvas.planes, strict=True):
            np.copyto(kept, plane)


def _merit(framing: Framing, canvas: Picture, *, settled: bool) -> _Merit:
    scores = [score for face in framing.faces if (score := _face_score(face, canvas)) is not None]
    if scores:
        return _Merit(settled, face=True, score=max(scores))
    quarter = (max(1, canvas.width // 4), max(1, canvas.height // 4))
    small = np.asarray(cv2.resize(canvas.luma, quarter, interpolation=cv2.INTER_AREA), np.uint8)
    return _Merit(settled, face=False, score=_edges(small))


def _face_score(face: Box, canvas: Picture) -> float | None:
    """How sharp and large a face is; None if it is too small or cut off."""
    left, top, right, bottom = (round(edge) for edge in (face.left, face.top, face.right, face.bottom))
    inside = left >= 0 and top >= 0 and right <= canvas.width and bottom <= canvas.height
    if not inside or min(right - left, bottom - top) < LEAST_FACE:
        return None
    size = (MEASURED_SIZE, MEASURED_SIZE)
    skin = canvas.luma[top:bottom, left:right]
    measured = np.asarray(cv2.resize(skin, size, interpolation=cv2.INTER_AREA), np.uint8)
    first, last = (round(edge * MEASURED_SIZE) for edge in EYES)
    large = min(1.0, face.width / (LARGE_FACE * min(canvas.width, canvas.height)))
    return large * _edges(measured[first:last])


def _edges(luma: Plane) -> float:
    """The variance of the Laplacian: how much fine detail there is (Pech-Pacheco et al., ICPR 2000)."""
    return float(cv2.Laplacian(luma, cv2.CV_32F).var())
