from itertools import pairwise

import numpy as np
import pytest
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.searching import Part, Search, cut, distinct, focused, tiles

RATE = 25.0


class Coarse:
    """Finds white squares that are at least a twelfth as wide as the longer side of the picture."""

    def __init__(self):
        self.runs = 0

    def detect(self, picture):
        self.runs += 1
        longer = max(picture.shown_width, picture.height)
        found = []
        for light in np.unique(picture.luma[picture.luma > 200]):
            rows, columns = np.nonzero(picture.luma == light)
            left, width = columns.min() * picture.pixel_aspect, np.ptp(columns) * picture.pixel_aspect + 1
            if width >= longer / 12:
                box = Box(float(left), float(rows.min()), float(width), float(np.ptp(rows) + 1))
                found.append(Face(box, box.top, 0.9, box.centre))
        return found


def pictured(*squares, size=(1920, 1080), aspect=1.0):
    luma = np.full((size[1], size[0]), 60, np.uint8)
    for index, (left, top, side) in enumerate(squares):
        luma[top : top + side, round(left / aspect) : round((left + side) / aspect)] = 210 + index
    chroma = np.full(((size[1] + 1) // 2, (size[0] + 1) // 2), 128, np.uint8)
    return Picture(luma, chroma, chroma, aspect)


def found(search, frame, picture):
    return sorted((round(face.box.left), round(face.box.width)) for face in search.detect(frame, picture))


@pytest.mark.parametrize("size", [(1920, 1080), (1440, 1080), (1080, 1920), (1080, 1080), (3840, 1600), (640, 360)])
@pytest.mark.parametrize("finer", [1.0, 1.75])
def test_tiles_cover_the_whole_picture_and_overlap_by_a_face(size, finer):
    side = min(size) / finer
    parts = tiles(*size, side)
    assert len(parts) <= 12
    for position, length in (("left", size[0]), ("top", size[1])):
        starts = sorted({getattr(part, position) for part in parts})
        assert starts[0] == pytest.approx(0)
        assert starts[-1] + side == pytest.approx(length)
        assert all(after - before <= side * 0.9 for before, after in pairwise(starts))


def test_small_faces_of_a_wide_shot_are_found_each_once_and_in_place():
    squares = [(300, 400, 100), (1500, 500, 90), (930, 300, 96)]
    assert found(Search(Coarse(), RATE), 0, pictured(*squares)) == [(300, 100), (930, 96), (1500, 90)]


def test_small_faces_stay_found_with_few_runs_of_the_detector():
    detector = Coarse()
    search = Search(detector, RATE)
    for count in range(12):
        before = detector.runs
        assert found(search, count * 4, pictured((300 + 5 * count, 400, 60), (1500, 500, 60))) == [
            (300 + 5 * count, 60),
            (1500, 60),
        ]
        assert detector.runs - before <= (11 if count < 2 else 3)


def test_a_close_up_takes_one_run_a_picture():
    detector = Coarse()
    search = Search(detector, RATE)
    for count in range(20):
        assert found(search, count * 4, pictured((700, 300, 400))) == [(700, 400)]
    assert detector.runs == 20


def test_somebody_who_comes_into_a_wide_shot_is_found_within_two_seconds():
    search = Search(Coarse(), RATE)
    for frame in range(0, 24, 4):
        search.detect(frame, pictured((300, 400, 90)))
    detections = [found(search, frame, pictured((300, 400, 90), (1500, 300, 90))) for frame in range(24, 76, 4)]
    assert [(300, 90), (1500, 90)] in detections


def test_faces_of_a_squeezed_picture_are_in_shown_pixels():
    picture = pictured((800, 400, 90), size=(1440, 1080), aspect=4 / 3)
    assert found(Search(Coarse(), RATE), 0, picture) == [(800, 90)]


def test_an_empty_picture_has_no_faces():
    assert Search(Coarse(), RATE).detect(0, pictured()) == []


def test_a_part_is_where_it_says_and_ends_with_the_picture():
    picture = pictured(size=(101, 57))
    shown, left, top = cut(picture, Part(60.0, 31.0, 80.0))
    assert (left, top) == (60, 32)
    assert (shown.width, shown.height) == (41, 25)
    assert shown.blue.shape == (13, 21)


def test_a_face_found_twice_is_one_and_a_face_beside_it_another():
    def face(left, width):
        return Face(Box(left, 0, width, width), 0, 0.9, (0, 0))

    faces = [face(0, 100), face(10, 95), face(30, 40), face(120, 100)]
    assert distinct(faces) == [faces[0], faces[3]]


def test_faces_close_together_are_searched_in_one_part():
    assert len(focused([Box(500, 400, 60, 60), Box(580, 400, 58, 58)])) == 1
    assert len(focused([Box(500, 400, 60, 60), Box(1200, 400, 58, 58)])) == 2


def test_heads_that_the_whole_is_too_coarse_for_are_found(blazeface, drawn_heads):
    picture = drawn_heads((1920, 1080), (480, 500, 110), (1490, 520, 100))
    assert blazeface.detect(picture) == []
    places = [round(face.box.centre[0] / 100) for face in Search(blazeface, RATE).detect(0, picture)]
    assert sorted(places) == [5, 15]
