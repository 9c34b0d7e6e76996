"""Pictures as three planes of 8-bit 4:2:0 video, the form they keep from the decoder to the encoder."""

from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
"""Rows by columns of samples; rows may be padded in memory, so never assume it contiguous."""

BLACK = (16, 128, 128)
"""Black in Y, U, V of limited range (BT.709)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture, limited range, BT.709, chroma at half the width and height (rounded up).

    Attributes:
        luma: rows by columns.
        blue: the chroma plane Cb (U).
        red: the chroma plane Cr (V).
        pixel_aspect: width of a sample over its height as it is shown, 1 for square ones.
    """

    luma: Plane
    blue: Plane
    red: Plane
    pixel_aspect: float = 1.0

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Y, U, V."""
        return self.luma, self.blue, self.red

    @property
    def width(self) -> int:
        """Samples a row."""
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.luma.shape[0])

    @property
    def shown_width(self) -> float:
        """Width in units of a row's height: what the width would be if samples were square."""
        return self.width * self.pixel_aspect


def shrunk(plane: Plane, width: int, height: int) -> Plane:
    """Return a plane in a smaller size, by means over areas; halving first is three to ten times as fast."""
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
