"""Pictures as three planes of 8-bit 4:2:0 video; they keep this form from the decoder to the encoder."""

from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
"""Rows by columns of samples; rows may be padded in memory, so a plane need not be contiguous."""

BLACK = (16, 128, 128)
"""Black in Y, U, V of limited range (BT.709)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright BT.709 picture of limited range, its chroma at half the width and height (rounded up).

    Attributes:
        luma: The luma plane Y, rows by columns.
        blue: The chroma plane Cb (U).
        red: The chroma plane Cr (V).
        pixel_aspect: Width of a sample over its height as it is shown, 1 for square samples.
    """

    luma: Plane
    blue: Plane
    red: Plane
    pixel_aspect: float = 1.0

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """The planes Y, U and V."""
        return self.luma, self.blue, self.red

    @property
    def width(self) -> int:
        """Number of samples in a row."""
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.luma.shape[0])

    @property
    def shown_width(self) -> float:
        """Width in units of a row's height, as if samples were square."""
        return self.width * self.pixel_aspect


def shrunk(plane: Plane, width: int, height: int) -> Plane:
    """Return a plane in a smaller size, by means over areas; halving it first is three to ten times as fast."""
    while plane.shape[1] >= 2 * width and plane.shape[0] >= 2 * height:
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def view(frame: av.VideoFrame) -> Picture:
    """Return the samples of a yuv420p `frame` without copying; writing to them writes to the frame."""
    luma, blue, red = (_samples(plane) for plane in frame.planes)
    return Picture(luma, blue, red)


def _samples(plane: av.video.plane.VideoPlane) -> Plane:
    samples = np.frombuffer(memoryview(plane), np.uint8, plane.line_size * plane.height)
    return samples.reshape(plane.height, plane.line_size)[:, : plane.width]
