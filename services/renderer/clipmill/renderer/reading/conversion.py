"""Conversion of decoded frames of any kind to upright, limited-range BT.709 pictures in 8-bit 4:2:0, of one size."""

from dataclasses import dataclass, replace
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from clipmill.renderer.pictures import BLACK, Picture, Plane, view
from clipmill.renderer.reading.orientation import Orientation
from clipmill.renderer.reading.tone_mapping import TABLE_FORMAT, Light, ToneMapper

LARGEST_SHORT_SIDE = 2160
"""Longest short side, in samples. A crop of 9:16 never needs more to fill 1080x1920; more costs memory and aliases."""

LARGEST_LONG_SIDE = 8192
"""Longest long side, in samples, for pictures far from any usual shape."""

SMALL_SHORT_SIDE = 1080
"""Longest short side of a frame sample's picture, in samples."""

SD_HEIGHT = 576
"""Rows up to which a picture without a stated matrix is taken for BT.601, as players do."""

SAME_SHAPE = 0.02
"""Relative change of the ratio of width to height below which a new size is only a scaled picture."""

MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""The scaler's names of the ISO/IEC 23091-2 matrix coefficients that frames carry."""


INTERPOLATION = Interpolation.BICUBIC

EXACT_INTERPOLATION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
"""Interpolation for another matrix: without exact rounding, grey takes on a tint. Exact rounding makes a conversion
take half as long again."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The size and shape of a source's pictures before they are turned upright.

    Attributes:
        width: Width of all pictures, in samples.
        height: Height of all pictures, in rows.
        pixel_aspect: Width of a sample over its height.
        orientation: Orientation that brings them upright.
    """

    width: int
    height: int
    pixel_aspect: float
    orientation: Orientation

    @classmethod
    def of(cls, frame: av.VideoFrame, pixel_aspect: Fraction) -> "Geometry":
        """Return the geometry of a stream with frames like `frame`."""
        geometry = cls(frame.width, frame.height, float(pixel_aspect), Orientation.of(frame))
        return geometry.limited(LARGEST_SHORT_SIDE)

    @property
    def shown(self) -> tuple[float, int]:
        """Width and height of an upright picture, in units of a row's height."""
        if self.orientation.sideways:
            return self.height / self.pixel_aspect, self.width
        return self.width * self.pixel_aspect, self.height

    def limited(self, short_side: int) -> "Geometry":
        """Return an equal shape with a short side of at most `short_side` samples."""
        short, long = sorted((self.width, self.height))
        factor = min(short_side / short, LARGEST_LONG_SIDE / long)
        if factor >= 1:
            return self
        width, height = (max(2, round(side * factor / 2) * 2) for side in (self.width, self.height))
        return replace(self, width=width, height=height)


class Converter:
    """Turns frames of one stream into pictures of one size.

    A frame of another shape than the stream's, after a change in mid-stream, is shown whole between black bars.

    Args:
        geometry: Geometry of the pictures.
        for_sampling: True for frame samples: they are scaled cheaply, and of an interlaced frame only one field is
            kept; it has half the rows, and its pixel aspect makes up for that.
    """

    def __init__(self, geometry: Geometry, *, for_sampling: bool = False) -> None:
        self._geometry = geometry
        self._for_sampling = for_sampling
        self._reformatter = VideoReformatter()
        self._before_toning = VideoReformatter()
        self._tones: ToneMapper | None = None

    def convert(self, frame: av.VideoFrame) -> Picture:
        """Return `frame` upright; the picture shares its samples where nothing has to change."""
        form = self._geometry
        size = _within(frame.width / frame.height, form)
        if self._for_sampling and frame.format.name == "yuv420p" and Light.of(frame) is None and _plain(frame):
            planes = _shrunk(view(frame).planes, size)
        else:
            planes = view(self._reformatted(frame, size)).planes
        if size != (form.width, form.height):
            planes = _barred(planes, form)
        aspect = form.pixel_aspect
        if self._for_sampling and frame.interlaced_frame and form.height >= 4:
            planes = (planes[0][::2], planes[1][::2], planes[2][::2])
            aspect /= 2
        luma, blue, red = (form.orientation.applied(plane) for plane in planes)
        return Picture(luma, blue, red, 1 / aspect if form.orientation.sideways else aspect)

    def _reformatted(self, frame: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
        light = Light.of(frame)
        if light is None:
            return _scaled(self._reformatter, frame, size, "yuv420p")
        if self._tones is None or self._tones.light != light:
            self._tones = ToneMapper(light)
        toned = self._tones.mapped(_scaled(self._before_toning, frame, size, TABLE_FORMAT))
        return _scaled(self._reformatter, toned, size, "yuv420p")


def _scaled(reformatter: VideoReformatter, frame: av.VideoFrame, size: tuple[int, int], form: str) -> av.VideoFrame:
    """Return `frame` in another size and form, or `frame` itself where nothing has to change."""
    if frame.format.name == form and _plain(frame) and (frame.width, frame.height) == size:
        return frame
    rgb = frame.format.is_rgb
    matrix = _matrix(frame)
    return reformatter.reformat(
        frame,
        *size,
        form,
        src_colorspace=None if rgb else matrix,
        dst_colorspace=Colorspace.ITU709,
        interpolation=INTERPOLATION if rgb or matrix is Colorspace.ITU709 else EXACT_INTERPOLATION,
        src_color_range=ColorRange.JPEG if _full(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG if form == TABLE_FORMAT else ColorRange.MPEG,
    )


def _matrix(frame: av.VideoFrame) -> Colorspace:
    return MATRICES.get(frame.colorspace, Colorspace.ITU601 if frame.height <= SD_HEIGHT else Colorspace.ITU709)


def _full(frame: av.VideoFrame) -> bool:
    """Return whether samples use the full range."""
    return frame.format.is_rgb or frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")


def _plain(frame: av.VideoFrame) -> bool:
    """Return whether a Y'CbCr `frame` has the matrix and the range of pictures."""
    return _matrix(frame) is Colorspace.ITU709 and not _full(frame)


def _within(shape: float, form: Geometry) -> tuple[int, int]:
    """Return the size of a picture with a ratio of width to height of `shape`, shown whole in pictures of `form`."""
    own = form.width / form.height
    if abs(shape / own - 1) <= SAME_SHAPE:
        return form.width, form.height
    if shape > own:
        return form.width, max(2, round(form.width / shape / 2) * 2)
    return max(2, round(form.height * shape / 2) * 2), form.height


def _shrunk(planes: tuple[Plane, Plane, Plane], size: tuple[int, int]) -> tuple[Plane, Plane, Plane]:
    """Return the planes in another size, by means over areas, which takes a third of the scaler's time."""
    width, height = size
    if (planes[0].shape[1], planes[0].shape[0]) == size:
        return planes
    luma, blue, red = (
        np.asarray(cv2.resize(plane, form, interpolation=cv2.INTER_AREA), np.uint8)
        for plane, form in zip(planes, (size, *[((width + 1) // 2, (height + 1) // 2)] * 2), strict=True)
    )
    return luma, blue, red


def _barred(planes: tuple[Plane, Plane, Plane], form: Geometry) -> tuple[Plane, Plane, Plane]:
    """Return the planes between black bars."""
    luma, blue, red = (
        _centred(plane, form.height if index == 0 else (form.height + 1) // 2,
                 form.width if index == 0 else (form.width + 1) // 2, black)
        for index, (plane, black) in enumerate(zip(planes, BLACK, strict=True))
    )  # fmt: skip
    return luma, blue, red


def _centred(plane: Plane, rows: int, columns: int, black: int) -> Plane:
    whole = np.full((rows, columns), black, np.uint8)
    top, left = (rows - plane.shape[0]) // 2, (columns - plane.shape[1]) // 2
    whole[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
    return whole
