import cv2
import numpy as np
import pytest
from clipmill.renderer.drawing.posters import JPEG_BYTES, PosterPicker
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box
from PIL import Image

RATE = 25.0


def canvas(luma, width=540, height=960):
    half = np.full((height // 2, width // 2), 128, np.uint8)
    return Picture(luma if isinstance(luma, np.ndarray) else np.full((height, width), luma, np.uint8), half, half)


def portrait(side=200, *, eyes=True, blur=0.0, place=(270, 400), wall=100):
    """Return a drawn face and its framing."""
    luma = np.full((960, 540), wall, np.uint8)
    x, y = place
    cv2.ellipse(luma, place, (side // 2, round(side * 0.62)), 0, 0, 360, 170, -1, cv2.LINE_AA)
    for eye in (x - side // 5, x + side // 5):
        middle = (eye, y - side // 4)
        if eyes:
            cv2.ellipse(luma, middle, (side // 10, side // 20), 0, 0, 360, 230, -1, cv2.LINE_AA)
            cv2.circle(luma, middle, side // 25, 30, -1, cv2.LINE_AA)
        else:
            cv2.ellipse(luma, middle, (side // 10, side // 40), 0, 0, 180, 120, 1, cv2.LINE_AA)
    cv2.ellipse(luma, (x, y + side // 3), (side // 5, side // 12), 0, 0, 360, 60, -1, cv2.LINE_AA)
    if blur:
        luma = cv2.GaussianBlur(luma, (0, 0), blur)
    box = Box(x - side / 2, y - side / 2, side, side)
    return canvas(luma), Framing(Layout.TRACK, (Pane(Box(0, 0, 540, 960), 0, 0, 540, 960, (box,)),))


EMPTY = Framing(Layout.FIT, (Pane(Box(0, 0, 540, 960), 0, 0, 540, 960),))


def chosen(tmp_path, candidates):
    """Return the light of the wall in the chosen picture; each candidate lasts 0.2 s."""
    picker = PosterPicker(RATE)
    for index, (picture, framing) in enumerate(candidates):
        picker.consider(10 + 5 * index, framing, picture)
    picker.save(tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as poster:
        light = np.asarray(poster.convert("L"))[20:40, 20:40].mean()
    return round(float(light) * 219 / 255 + 16)


def test_the_sharpest_face_is_chosen(tmp_path):
    candidates = [portrait(blur=4, wall=80), portrait(blur=0.8, wall=110), portrait(blur=2, wall=140)]
    assert chosen(tmp_path, candidates) == pytest.approx(110, abs=3)


def test_open_eyes_are_chosen_before_closed_ones(tmp_path):
    candidates = [portrait(eyes=False, wall=80), portrait(blur=0.8, wall=110), portrait(eyes=False, wall=140)]
    assert chosen(tmp_path, candidates) == pytest.approx(110, abs=3)


def test_a_large_face_is_chosen_before_a_small_one(tmp_path):
    candidates = [portrait(side=60, wall=80), portrait(side=200, wall=110)]
    assert chosen(tmp_path, candidates) == pytest.approx(110, abs=3)


def test_a_face_is_chosen_before_a_sharper_picture_without_one(tmp_path):
    noise = np.random.default_rng(1).integers(16, 235, (960, 540), dtype=np.uint8)
    noise[:60, :60] = 80
    assert chosen(tmp_path, [(canvas(noise), EMPTY), portrait(blur=3, wall=110)]) == pytest.approx(110, abs=3)


def test_a_face_that_is_cut_off_does_not_count(tmp_path):
    candidates = [portrait(place=(20, 400), wall=80), portrait(side=70, wall=110)]
    assert chosen(tmp_path, candidates) == pytest.approx(110, abs=3)


def test_the_first_frames_are_chosen_only_where_there_is_nothing_else(tmp_path):
    picker = PosterPicker(RATE)
    picture, framing = portrait(wall=80)
    picker.consider(0, framing, picture)
    picker.consider(10, EMPTY, canvas(140))
    picker.save(tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as poster:
        assert np.asarray(poster.convert("L")).std() < 2


def test_a_clip_of_a_single_frame_has_a_poster(tmp_path):
    picker = PosterPicker(RATE)
    picker.consider(0, EMPTY, canvas(140))
    picker.save(tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as poster:
        assert (poster.format, poster.size) == ("JPEG", (540, 960))


def test_the_poster_has_the_pictures_colours(tmp_path):
    picker = PosterPicker(RATE)
    picker.consider(
        0,
        EMPTY,
        Picture(
            *(
                np.full(shape, value, np.uint8)
                for shape, value in (
                    ((960, 540), 63),
                    ((480, 270), 102),
                    ((480, 270), 240),
                )
            )
        ),
    )  # BT.709's red
    picker.save(tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as poster:
        assert np.abs(np.asarray(poster).mean(axis=(0, 1)) - (255, 0, 0)).max() < 6


def test_a_poster_of_the_finest_detail_is_still_a_small_file(tmp_path):
    noise = np.random.default_rng(1).integers(16, 235, (1920, 1080), dtype=np.uint8)
    noise = cv2.GaussianBlur(noise, (0, 0), 1)
    picker = PosterPicker(RATE)
    picker.consider(0, EMPTY, canvas(noise, 1080, 1920))
    picker.save(tmp_path / "poster.jpg")
    assert (tmp_path / "poster.jpg").stat().st_size <= JPEG_BYTES
