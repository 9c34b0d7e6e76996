"""The still picture that stands for a clip."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from clipmill.renderer.directing import Framing
from clipmill.renderer.pictures import Picture
from clipmill.renderer.reframing import HEIGHT, WIDTH, placed
from PIL import Image

EVERY_SECONDS = 0.4
"""Of video between two candidates."""

FACE_BONUS = 10.0
"""A picture with a face in it is this much better than one of the same sharpness without."""

SETTLING_SECONDS = 0.3
"""After the clip's start, before a candidate counts: the first frame of a sentence is seldom its best."""

JPEG_QUALITY = 88


@dataclass(slots=True)
class PosterPicker:
    """Keeps the best picture seen so far: a face in it, and sharp.

    Attributes:
        rate: frames a second of the clip.
    """

    rate: float
    _best: float = -1.0
    _pixels: "npt.NDArray[np.uint8] | None" = None

    def consider(self, index: int, framing: Framing, canvas: Picture) -> None:
        """Look at frame `index`, as drawn and before captions."""
        if index and (index < SETTLING_SECONDS * self.rate or index % max(1, round(EVERY_SECONDS * self.rate))):
            return
        score = _sharpness(framing, canvas)
        if index == 0:
            score *= 0.1  # only where there is nothing else
        if score > self._best:
            self._best, self._pixels = score, _rgb(canvas)

    def save(self, path: Path) -> None:
        """Write the best picture as JPEG.

        Raises:
            ValueError: if there was none.
        """
        if self._pixels is None:
            raise ValueError("no picture was considered")
        Image.fromarray(self._pixels).save(path, "JPEG", quality=JPEG_QUALITY, optimize=True)


def _sharpness(framing: Framing, canvas: Picture) -> float:
    """The variance of the Laplacian at a quarter of the size, of the face where there is one."""
    luma, bonus = canvas.luma, 1.0
    if framing.subject is not None:
        box = placed(framing.subject, framing)
        top, bottom = max(0, int(box.top)), min(HEIGHT, int(box.bottom))
        left, right = max(0, int(box.left)), min(WIDTH, int(box.right))
        if bottom - top > 64 and right - left > 64:
            luma, bonus = canvas.luma[top:bottom, left:right], FACE_BONUS
    small = cv2.resize(luma, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return bonus * float(cv2.Laplacian(small, cv2.CV_32F).var())


def _rgb(canvas: Picture) -> npt.NDArray[np.uint8]:
    luma = canvas.luma.astype(np.float32)
    size = (WIDTH, HEIGHT)
    blue, red = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32) - 128
        for plane in (canvas.blue, canvas.red)
    )
    luma = (luma - 16) * (255 / 219)
    blue, red = blue * (255 / 224), red * (255 / 224)
    # BT.709, limited range
    rgb = (luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue)
    return np.asarray(np.clip(np.stack(rgb, axis=2), 0, 255), np.uint8)
