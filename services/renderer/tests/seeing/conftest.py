"""Pictures of people who were never photographed."""

import cv2
import numpy as np
import pytest
from clipmill.renderer.pictures import Picture


def _head(mouth: float) -> np.ndarray:
    """Return the luma of a drawn head with shoulders, 600 by 500, 400 wide at the hair; `mouth` opens from 0 to 1."""
    drawn = np.full((600, 500), 90, np.float32)

    def oval(x, y, width, height, light, turn=0):
        centre, axes = (round(x * 4.8), round(y * 4.3)), (round(width * 4.8), round(height * 4.3))
        cv2.ellipse(drawn, centre, axes, turn, 0, 360, light, -1, cv2.LINE_AA)

    oval(52, 55, 42, 54, 40)  # hair
    oval(52, 140, 50, 32, 60)  # shoulders
    oval(52, 105, 16, 26, 150)  # neck
    oval(52, 65, 34, 46, 185)  # face
    oval(52, 33, 30, 14, 190)  # forehead
    for side in (-1, 1):
        oval(52 + side * 14, 51, 9, 2.2, 60, side * 6)  # brow
        oval(52 + side * 14, 61, 7, 4, 120)  # lids
        oval(52 + side * 14, 61, 6, 3, 235)
        oval(52 + side * 14, 61, 2.8, 2.8, 30)
        oval(52 + side * 18, 77, 9, 7, 178)  # cheek
    oval(52, 73, 3.5, 9, 165)  # nose
    oval(52, 81, 6, 3, 140)
    oval(52, 95, 12, 4.5 + 3 * mouth, 110)  # lips
    oval(52, 95, 10, 1 + 4 * mouth, 45)
    return cv2.GaussianBlur(drawn, (0, 0), 5)


@pytest.fixture(scope="session")
def drawn_heads():
    """Draw a picture with heads that BlazeFace takes for people's.

    A head is x and y of its middle, its width, all shown pixels, and optionally how far its mouth is open.
    """
    cache: dict[float, np.ndarray] = {}

    def draw(size: tuple[int, int], *heads, aspect: float = 1.0) -> Picture:
        width, height = round(size[0] / aspect), size[1]
        luma = np.full((height, width), 90, np.uint8)
        for x, y, across, *mouth in heads:
            opening = mouth[0] if mouth else 0.2
            head = cache.setdefault(opening, _head(opening))
            scale = across / 400
            place = np.float64([[scale / aspect, 0, (x - 250 * scale) / aspect], [0, scale, y - 285 * scale]])
            small = cv2.GaussianBlur(head, (0, 0), max(0.1, 0.4 / scale))
            laid = cv2.warpAffine(small, place, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=90)
            luma = np.where(np.abs(laid - 90) > 1, laid, luma).astype(np.uint8)
        chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
        return Picture(luma, chroma, chroma.copy(), aspect)

    return draw
