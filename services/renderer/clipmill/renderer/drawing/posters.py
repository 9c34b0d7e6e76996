"""The poster: the still picture that represents a clip."""

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
"""Time between two candidates. A blink lasts 0.1 to 0.4 s, so some candidate misses it."""

SETTLING_SECONDS = 0.3
"""Time at the clip's start that gives no poster: the first frames of a sentence are seldom its best."""

EYES = (0.05, 0.45)
"""Band of a face's box that holds the eyes, in parts of its height from the top. The box reaches from the eyebrows
to the chin."""

MEASURED_SIZE = 96
"""Side, in pixels, to which faces are scaled before sharpness is measured: small and large ones become comparable."""

LEAST_FACE = 48
"""Shorter side on the canvas, in pixels, below which a face does not count."""

LARGE_FACE = 0.3
"""Part of the canvas's shorter side beyond which a wider face makes no better poster."""

JPEG_QUALITIES = (90, 85, 80, 72, 64, 55, 45, 35)
JPEG_BYTES = 300 * 1000
"""Largest poster, in bytes: of the qualities, the highest whose file is no larger is used, or else the lowest."""


@dataclass(frozen=True, slots=True, order=True)
class _Merit:
    """A picture's rank as a poster; pictures with a face come before those without."""

    settled: bool
    face: bool
    score: float


class PosterPicker:
    """Keeps the best picture seen so far.

    The sharpest eyes on the largest face win. Open eyes show the edges of lids, iris and white; a blink, a moving head
    or a picture out of focus hides them.

    Args:
        rate: Frames per second of the clip.
    """

    def __init__(self, rate: float) -> None:
        self._every = max(1, round(EVERY_SECONDS * rate))
        self._settled = SETTLING_SECONDS * rate
        self._best: _Merit | None = None
        self._frame: av.VideoFrame | None = None

    def consider(self, index: int, framing: Framing, canvas: Picture) -> None:
        """Compare frame `index`, as drawn before its captions, with the best picture so far."""
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
            ValueError: No picture was considered.
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
    """Return a score for a face's sharpness and size; None if it is too small or cut off."""
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
    """Return the variance of the Laplacian, a measure of fine detail (Pech-Pacheco et al., ICPR 2000)."""
    return float(cv2.Laplacian(luma, cv2.CV_32F).var())
