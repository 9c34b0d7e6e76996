"""Tone mapping from high dynamic range and wide gamut to SDR BT.709, by a table of colours that is computed once.

The table is display-referred: code values become light on an HDR display of the source's peak, the light is mapped to
an SDR display whose white is HDR's reference white, and becomes code values of BT.1886.

- PQ is SMPTE ST 2084; HLG is ARIB STD-B67, both as in Recommendation ITU-R BT.2100, HLG with its system gamma of 1.2
  for a display of 1,000 cd/m2.
- Light is compressed by the electro-electrical transfer function (EETF) of Report ITU-R BT.2390, section 5.4.1, in PQ
  space, applied to the largest of red, green and blue, and all three are scaled alike: hue and saturation stay.
- Reference white is 203 cd/m2 (Report ITU-R BT.2408): it becomes 0.9 of SDR's signal at a peak of 1,000 cd/m2, and
  0.77 at 10,000. At a peak of 1,000, light below about 90 cd/m2, such as skin, does not change.
- BT.2020 or Display P3 light becomes BT.709 light by matrix; a colour that does not fit is desaturated at constant
  luminance until it does, the simplest of the ways in Report ITU-R BT.2407 that keep hue.

FFmpeg 8's `scale` does this too (`intent=perceptual`), but computes a finer table for ten seconds of every clip.
"""

import tempfile
from dataclasses import dataclass
from enum import Enum

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorPrimaries, ColorTrc
from clipmill.renderer.reading.side_data import side_data

Floats = npt.NDArray[np.float64]

REFERENCE_WHITE_NITS = 203.0
"""Reference white of HDR, shown as SDR's white (Report ITU-R BT.2408)."""

USUAL_PEAK_NITS = 1000.0
"""Peak of a source that does not state its own: most are graded on it, and it is HLG's nominal peak."""

PQ_PEAK_NITS = 10_000.0

TABLE_SIZE = 33
"""Points along each side of the table, even in code values; colours between them are interpolated."""

SDR_GAMMA = 2.4
"""Gamma of BT.1886 displays with a black of zero."""

TABLE_FORMAT = "gbrp10"
"""Pixel format of the frames that the table maps."""


class Transfer(Enum):
    """The transfer function: the light that a code value stands for."""

    PQ = "pq"
    HLG = "hlg"
    SDR = "sdr"


class Gamut(Enum):
    """The primaries, by the matrix that converts their light to that of BT.709; the white of all is D65.

    BT.2020: Recommendation ITU-R BT.2087; Display P3: from the primaries of SMPTE EG 432-1.
    """

    BT2020 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
    P3 = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))


WIDE: dict[int, Gamut] = {ColorPrimaries.BT2020: Gamut.BT2020, ColorPrimaries.SMPTE432: Gamut.P3}
"""Gamuts by the primaries that frames carry."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Luminance of BT.709's red, green and blue."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light that a frame's code values stand for, if it is not SDR in BT.709.

    Attributes:
        transfer: Transfer function from code values to light.
        gamut: Primaries.
        peak: Brightest light of the source, in cd/m2.
    """

    transfer: Transfer
    gamut: Gamut
    peak: float = USUAL_PEAK_NITS

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Light | None":
        """Return the light that `frame` states, None for SDR in the gamut of BT.709 or smaller."""
        gamut = WIDE.get(frame.color_primaries)
        if frame.color_trc == ColorTrc.SMPTE2084:
            return cls(Transfer.PQ, gamut or Gamut.BT2020, _peak(frame))
        if frame.color_trc == ColorTrc.ARIB_STD_B67:
            return cls(Transfer.HLG, gamut or Gamut.BT2020)
        return cls(Transfer.SDR, gamut, REFERENCE_WHITE_NITS) if gamut else None


class ToneMapper:
    """Maps R'G'B' frames of one kind of light to SDR BT.709.

    Args:
        light: Light of the frames.
    """

    def __init__(self, light: Light) -> None:
        self.light = light
        self._graph: Graph | None = None
        self._size = (0, 0)

    def mapped(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return `frame` mapped to R'G'B' of SDR BT.709; both are in `TABLE_FORMAT` and full range."""
        if self._graph is None or self._size != (frame.width, frame.height):
            self._graph, self._size = _lookup(frame, self.light), (frame.width, frame.height)
        self._graph.push(frame)
        mapped = self._graph.pull()
        if not isinstance(mapped, av.VideoFrame):
            raise TypeError(f"The filter for tone mapping returned {mapped!r} instead of a picture.")
        return mapped


def table(light: Light) -> Floats:
    """Return the SDR BT.709 code values for evenly spaced R'G'B' code values of `light`.

    Returns:
        `TABLE_SIZE` cubed rows of red, green and blue from 0 to 1; red varies fastest.
    """
    steps = np.linspace(0.0, 1.0, TABLE_SIZE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    return sdr(np.stack([red, green, blue], axis=-1).reshape(-1, 3), light)


def sdr(codes: Floats, light: Light) -> Floats:
    """Return the SDR BT.709 code values, 0 to 1, of rows of R'G'B' code values of `light`."""
    nits = _compressed(_displayed(codes, light.transfer), light.peak)
    linear = nits / REFERENCE_WHITE_NITS @ np.array(light.gamut.value).T
    return np.asarray(np.clip(_fitted(linear), 0.0, 1.0) ** (1 / SDR_GAMMA), np.float64)


def _displayed(codes: Floats, transfer: Transfer) -> Floats:
    """Return the light on a display, in cd/m2."""
    if transfer is Transfer.PQ:
        return _pq_to_nits(codes)
    if transfer is Transfer.SDR:
        return np.asarray(REFERENCE_WHITE_NITS * codes**SDR_GAMMA, np.float64)
    a, b, c = 0.17883277, 0.28466892, 0.55991073  # ARIB STD-B67
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])  # of BT.2020's red, green and blue
    return np.asarray(USUAL_PEAK_NITS * scene * luminance[:, None] ** 0.2, np.float64)


def _compressed(nits: Floats, peak: float) -> Floats:
    """Compress light of up to `peak` cd/m2 to at most reference white."""
    if peak <= REFERENCE_WHITE_NITS:
        return nits
    brightest = np.maximum(nits.max(axis=1), 1e-6)
    whole = _nits_to_pq(np.array(peak))
    most = float(_nits_to_pq(np.array(REFERENCE_WHITE_NITS)) / whole)
    signal = np.minimum(_nits_to_pq(brightest) / whole, 1.0)
    knee = 1.5 * most - 0.5
    t = (signal - knee) / (1 - knee)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    mapped = _pq_to_nits(np.where(signal < knee, signal, curve) * whole)
    return np.asarray(nits * (mapped / brightest)[:, None], np.float64)


def _fitted(linear: Floats) -> Floats:
    """Desaturate colours outside 0 to 1 at constant luminance until they are within."""
    grey = np.clip(linear @ LUMINANCE, 0.0, 1.0)[:, None]
    away = linear - grey
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(away > 0, (1 - grey) / away, np.where(away < 0, -grey / away, 1.0))
    share = np.minimum(1.0, room.min(axis=1))[:, None]
    return np.asarray(grey + share * away, np.float64)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
"""Constants of SMPTE ST 2084."""


def _pq_to_nits(codes: Floats) -> Floats:
    power = np.clip(codes, 0.0, 1.0) ** (1 / _M2)
    return np.asarray(PQ_PEAK_NITS * (np.maximum(power - _C1, 0.0) / (_C2 - _C3 * power)) ** (1 / _M1), np.float64)


def _nits_to_pq(nits: Floats) -> Floats:
    power = (nits / PQ_PEAK_NITS) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2, np.float64)


def _peak(frame: av.VideoFrame) -> float:
    """Return the source's peak by its metadata: that of its content, else of the display that it was graded on."""
    content = np.frombuffer(side_data(frame, Type.CONTENT_LIGHT_LEVEL) or b"", np.uint32)
    peak = float(content[0]) if len(content) else 0.0  # MaxCLL of AVContentLightMetadata
    # AVMasteringDisplayMetadata: ten fractions, the last of which is the largest luminance, and two flags
    mastering = np.frombuffer(side_data(frame, Type.MASTERING_DISPLAY_METADATA) or b"", np.int32)
    if not peak and len(mastering) >= 22 and mastering[21] and mastering[19]:
        peak = float(mastering[18]) / float(mastering[19])
    return min(max(peak, REFERENCE_WHITE_NITS), PQ_PEAK_NITS) if peak else USUAL_PEAK_NITS


def _lookup(frame: av.VideoFrame, light: Light) -> Graph:
    with tempfile.NamedTemporaryFile("w", suffix=".cube") as file:
        file.write(f"LUT_3D_SIZE {TABLE_SIZE}\n")
        np.savetxt(file, table(light), "%.6f")
        file.flush()
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        lookup = graph.add("lut3d", file=file.name, interp="tetrahedral")
        sink = graph.add("buffersink")
        source.link_to(lookup)
        lookup.link_to(sink)
        graph.configure()
    return graph
