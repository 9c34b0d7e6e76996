"""The contract of face detectors. To test another one, inherit `DetectorContract` and give it the detector."""

import numpy as np
import pytest
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box

SIZE = (640, 360)


def grey(width: int, height: int) -> Picture:
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    return Picture(np.full((height, width), 126, np.uint8), chroma, chroma.copy())


class DetectorContract:
    """Tests for a fixture `detector` and a fixture `shown(size, *(x, y, width), aspect=1)`, a picture with heads."""

    def only(self, detector, picture):
        faces = detector.detect(picture)
        assert len(faces) == 1
        return faces[0]

    def test_a_grey_picture_has_no_face(self, detector):
        assert detector.detect(grey(*SIZE)) == []

    def test_a_tiny_picture_is_no_trouble(self, detector):
        assert detector.detect(grey(2, 2)) == []
        assert detector.detect(grey(17, 3)) == []

    def test_a_face_is_where_its_head_is(self, detector, shown):
        face = self.only(detector, shown(SIZE, (300, 180, 120)))
        assert Box(240, 100, 120, 160).overlap(face.box) > 0.3
        assert face.box.centre[0] == pytest.approx(300, abs=12)

    def test_eyes_lie_above_the_middle_and_the_mouth_below(self, detector, shown):
        face = self.only(detector, shown(SIZE, (300, 180, 120)))
        assert face.box.top < face.eyes < face.box.centre[1] < face.mouth[1] < face.box.bottom
        assert face.mouth[0] == pytest.approx(face.box.centre[0], abs=0.15 * face.box.width)

    def test_two_people_are_two_faces(self, detector, shown):
        faces = detector.detect(shown(SIZE, (160, 180, 120), (480, 180, 120)))
        assert sorted(round(face.box.centre[0] / 160) for face in faces) == [1, 3]

    def test_the_surest_comes_first(self, detector, shown):
        scores = [face.score for face in detector.detect(shown(SIZE, (160, 180, 130), (480, 180, 80)))]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)

    def test_a_face_that_moves_takes_its_box_along(self, detector, shown):
        here = self.only(detector, shown(SIZE, (200, 160, 120)))
        there = self.only(detector, shown(SIZE, (380, 200, 120)))
        assert there.box.centre[0] - here.box.centre[0] == pytest.approx(180, abs=10)
        assert there.box.centre[1] - here.box.centre[1] == pytest.approx(40, abs=10)

    def test_a_picture_twice_as_large_has_a_box_twice_as_large(self, detector, shown):
        small = self.only(detector, shown(SIZE, (300, 180, 120)))
        large = self.only(detector, shown((1280, 720), (600, 360, 240)))
        assert large.box.width == pytest.approx(2 * small.box.width, rel=0.1)
        assert large.mouth[1] == pytest.approx(2 * small.mouth[1], abs=12)

    @pytest.mark.parametrize("aspect", [12 / 11, 4 / 3, 0.75])
    def test_boxes_are_in_shown_pixels_whatever_the_shape_of_samples(self, detector, shown, aspect):
        square = self.only(detector, shown(SIZE, (300, 180, 120)))
        squeezed = self.only(detector, shown(SIZE, (300, 180, 120), aspect=aspect))
        assert squeezed.box.overlap(square.box) > 0.8

    def test_an_upright_picture_is_searched_to_its_bottom(self, detector, shown):
        face = self.only(detector, shown((360, 640), (180, 540, 120)))
        assert face.box.centre[1] == pytest.approx(540, abs=40)

    def test_planes_may_be_views_of_a_larger_picture(self, detector, shown):
        picture = shown((1280, 360), (300, 180, 120))
        left = Picture(picture.luma[:, :640], picture.blue[:, :320], picture.red[:, :320])
        whole = shown(SIZE, (300, 180, 120))
        assert detector.detect(left) == detector.detect(whole)

    def test_a_picture_is_left_as_it_was(self, detector, shown):
        picture = shown(SIZE, (300, 180, 120))
        before = [plane.copy() for plane in picture.planes]
        detector.detect(picture)
        assert all(np.array_equal(plane, copy) for plane, copy in zip(picture.planes, before, strict=True))

    def test_nothing_of_a_picture_is_kept_for_the_next(self, detector, shown):
        one, other = shown(SIZE, (160, 180, 120)), shown(SIZE, (480, 180, 100))
        first = detector.detect(one)
        detector.detect(other)
        assert detector.detect(one) == first
        assert detector.detect(grey(*SIZE)) == []


class TestBlazeFace(DetectorContract):
    @pytest.fixture
    def detector(self, blazeface):
        return blazeface

    @pytest.fixture
    def shown(self, drawn_heads):
        return drawn_heads
