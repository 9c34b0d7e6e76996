"""Painting of overlays in YUV, mask by mask: flat colours need no RGB picture."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from clipmill.renderer.drawing.compositing import Layer, Overlay, overlay

Mask = npt.NDArray[np.uint8]
"""Rows by columns of coverage, 0 to 255."""


class Colour(NamedTuple):
    """A colour whose components are 0 to 255, not premultiplied."""

    red: int
    green: int
    blue: int
    alpha: int = 255

    @property
    def samples(self) -> tuple[int, int, int]:
        """Return Y, U, V of BT.709 in limited range (ITU-R BT.709-6, items 3.2 and 3.4)."""
        red, green, blue = self.red / 255, self.green / 255, self.blue / 255
        light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return (
            round(16 + 219 * light),
            round(128 + 224 * (blue - light) / 1.8556),
            round(128 + 224 * (red - light) / 1.5748),
        )


class Painting:
    """A transparent picture, painted from the back to the front.

    Args:
        width: Width, in pixels, even.
        height: Height, in pixels, even.
    """

    def __init__(self, width: int, height: int) -> None:
        sizes = ((height, width), *2 * ((height // 2, width // 2),))
        self._keep = [np.full(size, 255, np.uint8) for size in sizes]
        self._ink = [np.zeros(size, np.uint8) for size in sizes]

    def copy(self) -> "Painting":
        """Return a copy to paint on."""
        other = Painting(self._keep[0].shape[1], self._keep[0].shape[0])
        other._keep = [keep.copy() for keep in self._keep]
        other._ink = [ink.copy() for ink in self._ink]
        return other

    def paint(self, mask: Mask, colour: Colour) -> None:
        """Paint a colour over the picture.

        Args:
            mask: Mask of the picture's size.
            colour: Colour whose alpha scales the mask.
        """
        full = mask if colour.alpha == 255 else cv2.convertScaleAbs(mask, alpha=colour.alpha / 255)
        half = cv2.resize(full, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for plane, (cover, sample) in enumerate(zip((full, half, half), colour.samples, strict=True)):
            keep = cv2.bitwise_not(cover)
            ink = cv2.convertScaleAbs(cover, alpha=sample / 255)
            self._lay(plane, np.asarray(keep, np.uint8), np.asarray(ink, np.uint8))

    def picture(self, rgba: npt.NDArray[np.uint8]) -> None:
        """Paint another picture of equal size, with straight alpha, over this one."""
        for plane, layer in enumerate(overlay(rgba, 0, 0).layers):
            self._lay(plane, layer.keep, layer.ink)

    def overlay(self, left: int, top: int) -> Overlay:
        """Return the painting as an overlay for an even place on the canvas."""
        layers = [Layer(keep.copy(), ink.copy()) for keep, ink in zip(self._keep, self._ink, strict=True)]
        return Overlay(left, top, (layers[0], layers[1], layers[2]))

    def _lay(self, plane: int, keep: Mask, ink: Mask) -> None:
        cv2.multiply(self._keep[plane], keep, dst=self._keep[plane], scale=1 / 255)
        cv2.multiply(self._ink[plane], keep, dst=self._ink[plane], scale=1 / 255)
        cv2.add(self._ink[plane], ink, dst=self._ink[plane])


def rounded(size: tuple[int, int], box: tuple[float, float, float, float], radius: float) -> Mask:
    """Return the mask of a rectangle with round corners, its edge soft over one pixel.

    The mask is the signed distance to the shape (Quilez, "2D distance functions", round box), plus a half.

    Args:
        size: Width and height of the mask, in pixels.
        box: Left, top, right and bottom of the rectangle, in pixels and fractions of them.
        radius: Radius of the corners, in pixels; at most half of the shorter side is used.
    """
    left, top, right, bottom = box
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    across = np.abs(np.arange(size[0]) + 0.5 - (left + right) / 2) - (right - left) / 2 + radius
    down = np.abs(np.arange(size[1]) + 0.5 - (top + bottom) / 2) - (bottom - top) / 2 + radius
    outside = np.hypot(np.maximum(across, 0)[None, :], np.maximum(down, 0)[:, None])
    distance = outside + np.minimum(np.maximum(across[None, :], down[:, None]), 0) - radius
    return np.asarray(np.rint(255 * np.clip(0.5 - distance, 0, 1)), np.uint8)


def cropped(cover: Overlay, left: int, top: int, right: int, bottom: int) -> Overlay | None:
    """Return the part of an overlay in a rectangle of the canvas with even edges, without copying; None if empty."""
    left, right = max(left, cover.left), min(right, cover.left + cover.width)
    top, bottom = max(top, cover.top), min(bottom, cover.top + cover.height)
    if left >= right or top >= bottom:
        return None
    parts = []
    for plane, layer in enumerate(cover.layers):
        by = 1 if plane == 0 else 2
        rows = slice((top - cover.top) // by, (bottom - cover.top) // by)
        columns = slice((left - cover.left) // by, (right - cover.left) // by)
        parts.append(Layer(layer.keep[rows, columns], layer.ink[rows, columns]))
    return Overlay(left, top, (parts[0], parts[1], parts[2]))


def moved(cover: Overlay, across: int, down: int) -> Overlay:
    """Return an overlay at another place, even numbers of pixels away."""
    return Overlay(cover.left + across, cover.top + down, cover.layers)


def faded(cover: Overlay, opacity: float) -> Overlay:
    """Return an overlay whose opacity is scaled by `opacity`, 0 to 1."""
    layers = [
        Layer(
            np.asarray(cv2.bitwise_not(cv2.convertScaleAbs(cv2.bitwise_not(layer.keep), alpha=opacity)), np.uint8),
            np.asarray(cv2.convertScaleAbs(layer.ink, alpha=opacity), np.uint8),
        )
        for layer in cover.layers
    ]
    return Overlay(cover.left, cover.top, (layers[0], layers[1], layers[2]))
