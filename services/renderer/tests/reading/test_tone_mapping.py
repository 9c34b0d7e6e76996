"""High dynamic range as standard range: ramps and patches of known light."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc
from clipmill.renderer.reading.conversion import Converter, Geometry
from clipmill.renderer.reading.orientation import Orientation
from clipmill.renderer.reading.source import Source
from clipmill.renderer.reading.tone_mapping import Gamut, Light, Transfer, sdr

PATCH = 16

BT2020 = np.array([[0.2627, 0.6780, 0.0593], [-0.13963, -0.36037, 0.5], [0.5, -0.45979, -0.04021]])
"""Y', Cb, Cr of R'G'B'."""

BT709_TO_2020 = np.linalg.inv(np.array(Gamut.BT2020.value))


def pq(nits):
    """Return the code values of light by SMPTE ST 2084, written independently of the product."""
    power = (np.asarray(nits, float) / 10000) ** (1305 / 8192)
    return ((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(scene):
    """Return ARIB STD-B67 code values of scene light from 0 to 1."""
    scene = np.asarray(scene, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


def patches(codes, transfer, primaries=ColorPrimaries.BT2020):
    """Return a frame of 10 bit and BT.2020 with a patch for each row of R'G'B'."""
    frame = av.VideoFrame(PATCH * len(codes), PATCH, "yuv420p10le")
    values = np.asarray(codes) @ BT2020.T
    for index, plane in enumerate(frame.planes):
        samples = np.frombuffer(memoryview(plane), np.uint16).reshape(-1, plane.line_size // 2)
        side = PATCH if index == 0 else PATCH // 2
        for number, value in enumerate(values[:, index]):
            level = 64 + 876 * value if index == 0 else 512 + 896 * value
            samples[:, number * side : (number + 1) * side] = round(level)
    frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries = 9, 1, transfer, primaries
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return frame


def shown(frame):
    """Return the R'G'B' of BT.709 in the middle of each patch."""
    picture = Converter(Geometry(frame.width, frame.height, 1.0, Orientation())).convert(frame)
    half = PATCH // 2
    luma = (picture.luma[half, half::PATCH].astype(float) - 16) / 219
    blue = (picture.blue[half // 2, half // 2 :: half].astype(float) - 128) / 224
    red = (picture.red[half // 2, half // 2 :: half].astype(float) - 128) / 224
    return np.stack([luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue], axis=1)


def grey(values):
    return np.repeat(np.asarray(values, float)[:, None], 3, axis=1)


def hue(colour):
    """Return hues in degrees, as in HSV."""
    red, green, blue = colour
    return np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360


def test_reference_white_comes_near_white_and_greys_stay_grey():
    seen = shown(patches(grey(pq([0, 1, 10, 50, 100, 203, 400, 1000, 10000])), ColorTrc.SMPTE2084))
    assert np.ptp(seen, axis=1).max() < 0.012
    light = seen.mean(axis=1)
    assert (np.diff(light) >= 0).all()
    assert light[0] == pytest.approx(0, abs=0.01)
    assert light[5] == pytest.approx(0.90, abs=0.015)  # 203 cd/m2
    assert light[6] < light[7] == pytest.approx(1, abs=0.01)  # highlights keep detail up to the peak
    # Below the knee light does not change, on a display where white is 203 cd/m2.
    assert light[3] == pytest.approx((50 / 203) ** (1 / 2.4), abs=0.01)


def test_hybrid_log_gamma_gives_the_same_light_as_pq():
    # 75 % is 203 cd/m2 on a display of 1,000: Report ITU-R BT.2408.
    signal = hlg(np.array([0.0, 0.02, 0.1, 0.2651, 1.0]))
    assert signal[3] == pytest.approx(0.75, abs=0.005)
    light = shown(patches(grey(signal), ColorTrc.ARIB_STD_B67)).mean(axis=1)
    same = 1000 * np.array([0.0, 0.02, 0.1, 0.2651, 1.0]) ** 1.2
    assert light == pytest.approx(shown(patches(grey(pq(same)), ColorTrc.SMPTE2084)).mean(axis=1), abs=0.02)


SKINS = np.array([[0.80, 0.57, 0.46], [0.93, 0.76, 0.66], [0.45, 0.29, 0.22], [0.60, 0.42, 0.32]])
"""R'G'B' of BT.709: light, pale, dark and brown skin."""


def test_skin_keeps_its_colour():
    nits = 203 * np.clip(SKINS, 0, 1) ** 2.4 @ BT709_TO_2020.T
    seen = shown(patches(pq(nits), ColorTrc.SMPTE2084))
    for before, after in zip(SKINS, seen, strict=True):
        assert abs((hue(before) - hue(after) + 180) % 360 - 180) < 3
        assert after.max() < 0.95
        assert np.abs(after - before).max() < 0.08


def test_bright_skin_is_not_clipped():
    nits = 350 * np.clip(SKINS[:1], 0, 1) ** 2.4 @ BT709_TO_2020.T
    seen = shown(patches(pq(nits), ColorTrc.SMPTE2084))[0]
    assert seen.max() < 0.99
    assert abs(hue(SKINS[0]) - hue(seen)) < 4


def test_colours_that_do_not_fit_keep_their_hue_and_their_order():
    light = Light(Transfer.PQ, Gamut.BT2020)
    red = np.array([[level, 0.02 * level, 0.02 * level] for level in (20.0, 60.0, 200.0, 600.0)])
    seen = sdr(pq(red), light)
    assert (np.diff(seen[:, 0]) >= 0).all()
    assert seen.max() <= 1
    assert np.ptp([hue(colour) for colour in seen]) < 12


@pytest.mark.parametrize("peak", [203.0, 400.0, 1000.0, 4000.0, 10000.0])
def test_white_is_bright_whatever_the_peak(peak):
    light = Light(Transfer.PQ, Gamut.BT2020, peak)
    ramp = sdr(grey(pq(np.linspace(0, peak, 200))), light).mean(axis=1)
    assert (np.diff(ramp) > -1e-9).all()
    assert ramp[-1] == pytest.approx(1, abs=0.005)
    assert 0.75 <= sdr(grey(pq([203.0])), light).mean() <= 1.0


def test_standard_range_in_a_wide_gamut_is_not_made_darker():
    seen = shown(patches(grey([0.0, 0.25, 0.5, 1.0]), ColorTrc.BT2020_10))
    assert seen.mean(axis=1) == pytest.approx([0.0, 0.25, 0.5, 1.0], abs=0.01)
    colour = (SKINS[0] ** 2.4 @ BT709_TO_2020.T) ** (1 / 2.4)
    assert shown(patches([colour], ColorTrc.BT2020_10))[0] == pytest.approx(SKINS[0], abs=0.02)


@pytest.mark.media
def test_the_peak_is_taken_from_the_file(tmp_path):
    path = tmp_path / "hdr.mp4"
    colour = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    options = {"x265-params": f"log-level=none:{colour}:hdr10=1:max-cll=4000,400", "preset": "ultrafast", "crf": "4"}
    frame = patches(grey(pq([0, 203, 1000, 4000])), ColorTrc.SMPTE2084)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p10le"
        for index in range(3):
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with path.open("rb") as file, Source(file) as source:
        luma = next(source.pictures(0.0, 1)).luma
    light = (luma[PATCH // 2, PATCH // 2 :: PATCH].astype(float) - 16) / 219
    assert 0.78 <= light[1] <= 0.88
    assert light[1] < light[2] < light[3] - 0.01
    assert light[3] == pytest.approx(1, abs=0.015)
