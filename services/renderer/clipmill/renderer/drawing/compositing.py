"""Blending of transparent pictures over the canvas, in YUV, only where they cover it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from clipmill.renderer.pictures import Picture, Plane

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layer:
    """One plane of an overlay: `canvas * keep / 255 + ink`."""

    keep: Plane
    ink: Plane


@dataclass(frozen=True, slots=True)
class Overlay:
    """A picture with transparency, ready to be blended.

    Attributes:
        left: Left edge on the canvas, in pixels, even.
        top: Top edge on the canvas, in pixels, even.
        layers: Layers of luma and the two chroma planes; width and height in luma samples are even.
    """

    left: int
    top: int
    layers: tuple[Layer, Layer, Layer]

    @property
    def width(self) -> int:
        """Return the width in luma samples."""
        return int(self.layers[0].ink.shape[1])

    @property
    def height(self) -> int:
        """Return the height in luma samples."""
        return int(self.layers[0].ink.shape[0])


def overlay(rgba: npt.NDArray[np.uint8], left: int, top: int) -> Overlay:
    """Return an overlay of an RGB picture with straight alpha.

    Args:
        rgba: Picture of rows by columns by 4; rows and columns are even.
        left: Left edge on the canvas, in pixels, even.
        top: Top edge on the canvas, in pixels, even.
    """
    values = rgba.astype(np.float64) / 255
    alpha = values[..., 3]
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    # BT.709, limited range
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    luma = 16 + 219 * light
    chroma = (128 + 224 * (blue - light) / 1.8556, 128 + 224 * (red - light) / 1.5748)
    halved = _halved(alpha)
    layers = (_layer(luma * alpha, alpha), *(_layer(_halved(plane * alpha), halved) for plane in chroma))
    return Overlay(left, top, (layers[0], layers[1], layers[2]))


def blend(cover: Overlay, canvas: Picture) -> None:
    """Draw `cover` over `canvas`."""
    for index, (layer, plane) in enumerate(zip(cover.layers, canvas.planes, strict=True)):
        part = 1 if index == 0 else 2
        height, width = layer.ink.shape
        top, left = cover.top // part, cover.left // part
        region = plane[top : top + height, left : left + width]
        cv2.multiply(region, layer.keep, dst=region, scale=1 / 255)
        cv2.add(region, layer.ink, dst=region)


def _layer(ink: Floats, alpha: Floats) -> Layer:
    return Layer(np.rint(255 * (1 - alpha)).astype(np.uint8), np.rint(ink).astype(np.uint8))


def _halved(plane: Floats) -> Floats:
    """Return the means of each two by two samples."""
    height, width = plane.shape
    return np.asarray(plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)), np.float64)
