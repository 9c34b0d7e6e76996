import weakref

import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from clipmill.contracts.options import Background, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.drawing import reframing
from clipmill.renderer.drawing.reframing import DIVIDER, SCALERS, SOLID, Reframer
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box


def draw(picture, framing, canvas, background):
    Reframer().draw(picture, framing, canvas, background)


def scene(x, y):
    """Return the light at a point of a picture, in pixels; it is smooth enough to be scaled without loss."""
    return 128 + 50 * np.sin(0.3 * x + 0.1 * y) + 40 * np.cos(0.17 * y - 0.02 * x)


def sampled(light, width, height, aspect=1.0):
    """Return a picture of `light` in all planes, with chroma samples where 4:2:0 has them."""
    rows, columns = np.mgrid[0:height, 0:width]
    luma = light((columns + 0.5) * aspect, rows + 0.5)
    rows, columns = np.mgrid[0 : (height + 1) // 2, 0 : (width + 1) // 2]
    chroma = light((2 * columns + 0.5) * aspect, 2 * rows + 1)
    planes = [np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (luma, chroma, chroma)]
    return Picture(*planes, aspect)


def empty(width=1080, height=1920):
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return Picture(*(np.full(shape, 77, np.uint8) for shape in shapes))


def tracked(crop, width=1080, height=1920):
    return Framing(Layout.TRACK, (Pane(crop, 0, 0, width, height),))


def expected(light, crop, width, height):
    """Return the luma and chroma of a canvas that shows `crop` of `light`."""
    scale = crop.width / width
    rows, columns = np.mgrid[0:height, 0:width]
    luma = light(crop.left + (columns + 0.5) * scale, crop.top + (rows + 0.5) * scale)
    rows, columns = np.mgrid[0 : height // 2, 0 : width // 2]
    return luma, light(crop.left + (2 * columns + 0.5) * scale, crop.top + (2 * rows + 1) * scale)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (333.37, 17.81)])
def test_a_crop_is_placed_to_a_fraction_of_a_pixel(size, offset):
    height = size[1] - 40
    crop = Box(*offset, height * 9 / 16, height)
    canvas = empty()
    draw(sampled(scene, *size), tracked(crop), canvas, Background.BLUR)
    luma, chroma = expected(scene, crop, 1080, 1920)
    inside = (slice(12, -12), slice(12, -12))
    assert np.abs(canvas.luma - luma)[inside].mean() < 1.0
    assert np.abs(canvas.blue - chroma)[inside].mean() < 2.5
    assert np.abs(canvas.red - chroma)[inside].mean() < 2.5


def test_a_crop_that_creeps_moves_the_picture_evenly():
    wave = 2 * np.pi / 40  # a period of 40 pixels of the picture is one of 106.7 of the canvas
    picture = sampled(lambda x, y: 128 + 90 * np.sin(wave * x) + 0 * y, 1280, 90)
    places = []
    columns = np.arange(1067) + 0.5
    for step in range(24):
        canvas = empty(1080, 240)
        draw(picture, tracked(Box(400 + step * 0.13, 0, 405, 90), 1080, 240), canvas, Background.BLUR)
        phase = np.angle((canvas.luma[120, :1067] * np.exp(-1j * wave * 0.375 * columns)).sum())
        places.append(phase / (wave * 0.375))
    travelled = np.unwrap(np.array(places), period=40 / 0.375)
    even = np.arange(24) * 0.13 / 0.375
    assert np.abs(travelled - even - np.mean(travelled - even)).max() < 0.25  # pixels of the canvas


@pytest.mark.parametrize("size", [(2, 2), (3, 5), (16, 16), (97, 41), (320, 600), (853, 479), (4001, 33)])
def test_a_picture_of_any_size_fills_its_panes(size):
    width, height = size
    picture = sampled(lambda x, y: 200 + 0 * x + 0 * y, *size)
    canvas = empty()
    whole = Box(0, 0, width, height)
    crop = Box(0, 0, min(width, height * 9 / 16), min(height, width * 16 / 9))
    draw(picture, tracked(crop), canvas, Background.BLUR)
    assert (canvas.luma == 200).all()
    assert (canvas.blue == 200).all()
    draw(picture, Framing(Layout.FIT, (Pane(whole, 0, 600, 1080, 500),)), canvas, Background.SOLID)
    assert (canvas.luma[600:1100] == 200).all()


def test_a_crop_that_reaches_over_the_edge_repeats_it():
    picture = sampled(lambda x, y: np.where(x < 20, 220.0, 40.0) + 0 * y, 640, 360)
    canvas = empty()
    draw(picture, tracked(Box(-60, -20, 225, 400)), canvas, Background.BLUR)
    assert (canvas.luma[:, :280] > 210).all()
    assert canvas.luma[:, 420:].max() < 50


def test_samples_that_are_not_square_are_shown_at_their_shape():
    crop = Box(300.4, 10, 378, 672)
    canvas = empty()
    draw(sampled(scene, 960, 720, 4 / 3), tracked(crop), canvas, Background.BLUR)
    luma, _ = expected(scene, crop, 1080, 1920)
    assert np.abs(canvas.luma - luma)[12:-12, 12:-12].mean() < 1.5


@pytest.mark.parametrize("ratio", [1.5, 2.0, 3.55, 5.3])
def test_reducing_keeps_what_is_coarse_and_drops_what_is_too_fine(ratio):
    width, height = round(540 * ratio), round(304 * ratio)
    coarse = sampled(lambda x, y: 128 + 80 * np.sin(0.1 * x / ratio) + 0 * y, width, height)
    fine = sampled(lambda x, y: 128 + 80 * np.sin(2.8 * x) + 0 * y, width, height)
    crop = Box(0, 0, 540 * ratio, 304 * ratio)
    canvas = empty(540, 304)
    draw(coarse, tracked(crop, 540, 304), canvas, Background.BLUR)
    columns = np.arange(540) + 0.5
    assert np.abs(canvas.luma - (128 + 80 * np.sin(0.1 * columns)))[:, 4:-4].mean() < 1.5
    draw(fine, tracked(crop, 540, 304), canvas, Background.BLUR)
    assert canvas.luma[:, 4:-4].std() < 30  # of 57


def test_panes_of_a_split_are_side_by_side_or_one_above_the_other_with_a_line_between():
    picture = sampled(lambda x, y: np.where(x < 320, 60.0, 180.0) + 0 * y, 640, 360)
    left, right = Box(20, 10, 180, 160), Box(420, 10, 180, 160)
    canvas = empty()
    draw(
        picture,
        Framing(Layout.SPLIT, (Pane(left, 0, 0, 1080, 960), Pane(right, 0, 960, 1080, 960))),
        canvas,
        Background.BLUR,
    )
    half = DIVIDER // 2
    assert (canvas.luma[: 960 - half] == 60).all()
    assert (canvas.luma[960 + half :] == 180).all()
    assert (canvas.luma[960 - half : 960 + half] == 16).all()
    canvas = empty(1920, 1080)
    left, right = Box(20, 10, 160, 180), Box(420, 10, 160, 180)
    draw(
        picture,
        Framing(Layout.SPLIT, (Pane(left, 0, 0, 960, 1080), Pane(right, 960, 0, 960, 1080))),
        canvas,
        Background.BLUR,
    )
    assert (canvas.luma[:, : 960 - half] == 60).all()
    assert (canvas.luma[:, 960 + half :] == 180).all()


@pytest.mark.parametrize("place", [(0, 656, 1080, 608), (240, 0, 600, 1920), (100, 200, 800, 1000)])
def test_a_solid_background_is_one_colour_around_the_picture(place):
    left, top, width, height = place
    canvas = empty()
    picture = sampled(lambda x, y: 200 + 0 * x + 0 * y, 640, 360)
    crop = Box(0, 0, 640, 640 * height / width)
    draw(picture, Framing(Layout.FIT, (Pane(crop, *place),)), canvas, Background.SOLID)
    shown = np.zeros((1920, 1080), bool)
    shown[top : top + height, left : left + width] = True
    assert (canvas.luma[~shown] == SOLID[0]).all()
    assert (canvas.blue[~shown[::2, ::2]] == SOLID[1]).all()
    assert (canvas.luma[shown] == 200).all()


def test_a_blurred_background_is_dark_and_smooth_and_takes_the_pictures_colours():
    picture = sampled(lambda x, y: np.where(x % 40 < 20, 90.0, 210.0) + 0 * y, 1280, 720)
    canvas = empty()
    draw(picture, Framing(Layout.FIT, (Pane(Box(0, 0, 1280, 720), 0, 556, 1080, 608),)), canvas, Background.BLUR)
    for bar in (canvas.luma[:556], canvas.luma[1164:]):
        assert 40 < bar.mean() < 100
        assert np.abs(np.diff(bar.astype(int), axis=0)).max() <= 3
        assert np.abs(np.diff(bar.astype(int), axis=1)).max() <= 3
    assert 130 < canvas.blue[:270].mean() < 160
    assert np.abs(np.diff(canvas.blue[:270].astype(int), axis=0)).max() <= 4


@pytest.fixture
def scalers(monkeypatch):
    """Return the scalers that were made, and those of them that still exist."""
    made, there = [], weakref.WeakSet()

    class Counted:
        def __init__(self):
            scaler = VideoReformatter()
            self.reformat = scaler.reformat
            made.append(1)
            there.add(self)

    monkeypatch.setattr(reframing, "VideoReformatter", Counted)
    return made, there


def test_memory_does_not_grow_with_the_shots(scalers):
    made, there = scalers
    reframer, picture, canvas = Reframer(), sampled(scene, 640, 360), empty(270, 480)
    for shot in range(40):
        height = 200 + 4 * shot
        reframer.draw(picture, tracked(Box(10, 0, height * 9 / 16, height), 270, 480), canvas, Background.BLUR)
    assert len(made) > 2 * SCALERS
    assert len(there) <= SCALERS


@pytest.mark.parametrize("place", [(40, 100, 200, 300), (0, 150, 270, 152), (60, 0, 150, 480)])
def test_the_scalers_of_one_framing_are_set_up_once(scalers, place):
    left, top, width, height = place
    made, _ = scalers
    reframer, picture, canvas = Reframer(), sampled(scene, 640, 360), empty(270, 480)
    pane = Pane(Box(0, 0, 640, 640 * height / width), left, top, width, height)
    before = 0
    for _ in range(3):
        reframer.draw(picture, Framing(Layout.FIT, (pane,)), canvas, Background.BLUR)
        before = before or len(made)
    assert len(made) == before


def drawn_room():
    """Return a drawn picture of 1280x720: two people before a graded wall, letters, fine lines."""
    rows, columns = np.mgrid[0:720, 0:1280].astype(np.float32)
    room = np.stack([60 + columns / 12, 80 + rows / 9, 150 - columns / 16], axis=2).astype(np.uint8)
    for x in range(560, 720, 6):
        cv2.line(room, (x, 60), (x, 260), (230, 230, 230), 1, cv2.LINE_AA)
    for x, coat, name in ((330, (160, 60, 50), "LEFT"), (950, (40, 110, 70), "RIGHT")):
        cv2.ellipse(room, (x, 720), (190, 330), 0, 180, 360, coat, -1, cv2.LINE_AA)
        cv2.ellipse(room, (x, 300), (85, 110), 0, 0, 360, (222, 180, 150), -1, cv2.LINE_AA)
        for eye in (x - 32, x + 32):
            cv2.circle(room, (eye, 280), 10, (30, 30, 40), -1, cv2.LINE_AA)
        cv2.ellipse(room, (x, 345), (34, 16), 0, 0, 180, (120, 40, 40), 4, cv2.LINE_AA)
        cv2.putText(room, name, (x - 110, 640), cv2.FONT_HERSHEY_DUPLEX, 2, (250, 250, 250), 4, cv2.LINE_AA)
    cv2.rectangle(room, (0, 0), (1279, 719), (255, 220, 0), 6)
    return room


def coded(rgb):
    """Return RGB as a picture in BT.709, limited range."""
    red, green, blue = (rgb[..., index].astype(np.float64) / 255 for index in range(3))
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [16 + 219 * light]
    for part, scale in ((blue, 1.8556), (red, 1.5748)):
        planes.append(
            cv2.resize(128 + 224 * (part - light) / scale, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        )
    return Picture(*(np.rint(plane).astype(np.uint8) for plane in planes))


def shown(canvas):
    """Return a canvas as RGB at a quarter of its size."""
    size = (canvas.width // 4, canvas.height // 4)
    luma, blue, red = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float64) for plane in canvas.planes
    )
    luma, blue, red = (luma - 16) / 219, (blue - 128) / 224, (red - 128) / 224
    rgb = (luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue)
    return np.clip(np.rint(255 * np.stack(rgb, axis=2)), 0, 255).astype(np.uint8)


def layouts(canvas):
    """Return the layouts that a director may order for `drawn_room`, by name."""
    width, height = canvas.width, canvas.height
    shape = min(1280, 720 * canvas.aspect)
    track = Box(min(max(0, 330.4 - shape / 2), 1280 - shape), 0, shape, shape / canvas.aspect)
    if canvas.aspect > 1:
        panes = [
            (Box(x - 160, 120, 320, 360), side, 0, width // 2, height) for x, side in ((330, 0), (950, width // 2))
        ]
    else:
        tall = 480 * (height / 2) / width
        panes = [
            (Box(x - 240, 330 - tall / 2, 480, tall), 0, top, width, height // 2)
            for x, top in ((330, 0), (950, height // 2))
        ]
    fitted = round(width * 720 / 1280 / 2) * 2
    whole = Pane(Box(0, 0, 1280, 720), 0, (height - fitted) // 4 * 2, width, fitted)
    if canvas.aspect > 1:  # an upright part of the picture on a wide canvas
        whole = Pane(Box(127.5, 0, 405, 720), 656, 0, 608, 1080)
    return {
        "track": (Framing(Layout.TRACK, (Pane(track, 0, 0, width, height),)), Background.BLUR),
        "split": (Framing(Layout.SPLIT, tuple(Pane(*pane) for pane in panes)), Background.BLUR),
        "fit-blur": (Framing(Layout.FIT, (whole,)), Background.BLUR),
        "fit-solid": (Framing(Layout.FIT, (whole,)), Background.SOLID),
    }


@pytest.mark.parametrize("form", list(OutputFormat))
def test_layouts_look_as_they_did(form, golden):
    canvas = CANVASES[form]
    picture = coded(drawn_room())
    sheet = []
    for framing, background in layouts(canvas).values():
        target = empty(canvas.width, canvas.height)
        draw(picture, framing, target, background)
        sheet.append(shown(target))
    rows = [np.hstack(sheet)] if canvas.aspect <= 1 else [np.hstack(sheet[:2]), np.hstack(sheet[2:])]
    golden(f"layouts-{form.value}", np.vstack(rows))
