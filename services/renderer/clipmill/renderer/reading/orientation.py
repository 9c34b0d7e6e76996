"""The orientation of a picture, by which it is turned before it is shown."""

from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from clipmill.renderer.pictures import Plane
from clipmill.renderer.reading.side_data import side_data

_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True, slots=True)
class Orientation:
    """The turn that brings a decoded picture upright.

    Attributes:
        turns: Quarter turns counter-clockwise, 0 to 3.
        mirrored: True to swap left and right before that.
    """

    turns: int = 0
    mirrored: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Read the display matrix that came with `frame`, if any; angles are rounded to quarter turns.

        The matrix is that of ISO/IEC 14496-12 (`tkhd`): a point (x, y) moves to (ax + cy, bx + dy), y downwards. FFmpeg
        gives its numbers a b u c d v x y w with 32 bits each, in the machine's byte order. PyAV sometimes cannot
        return the matrix (see `side_data`). `frame.rotation` then still gives its angle, in degrees counter-clockwise;
        it is 0 if the frame has no matrix.
        """
        numbers = np.frombuffer(side_data(frame, Type.DISPLAYMATRIX) or b"", np.int32)
        if len(numbers) < 9:
            return cls(round(frame.rotation / 90) % 4)
        a, b, c, d = (float(numbers[index]) for index in (0, 1, 3, 4))
        mirrored = a * d - b * c < 0
        if mirrored:
            a, b = -a, -b
        clockwise = round(np.degrees(np.arctan2(b, a)) / 90)
        return cls(-clockwise % 4, mirrored)

    @property
    def sideways(self) -> bool:
        """True if width and height change places."""
        return self.turns % 2 == 1

    def applied(self, plane: Plane) -> Plane:
        """Return `plane` upright, or `plane` itself where nothing has to change."""
        if self.mirrored:
            plane = np.asarray(cv2.flip(plane, 1), np.uint8)
        return np.asarray(cv2.rotate(plane, _TURNS[self.turns]), np.uint8) if self.turns else plane
