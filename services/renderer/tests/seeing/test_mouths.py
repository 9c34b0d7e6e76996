import numpy as np
import pytest
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.mouths import Cutout, motion

SIZE = (320, 240)


def face(x=160.0, y=120.0, head=120.0):
    """Return the face that BlazeFace sees in a drawn head."""
    width = 0.74 * head
    box = Box(x - width / 2, y - 0.4 * width, width, width)
    return Face(box, y - 0.03 * head, 0.9, (x, y + 0.31 * head))


def moved(one: Picture, other: Picture, first=None, second=None):
    first, second = first or face(), second or first or face()
    return motion(Cutout(one, first, first.box.width), Cutout(other, second, first.box.width))


def test_a_mouth_that_opens_moves(drawn_heads):
    shut, wide = drawn_heads(SIZE, (160, 120, 120, 0.0)), drawn_heads(SIZE, (160, 120, 120, 1.0))
    assert moved(shut, wide) > 0.01
    assert moved(shut, shut) < 0.001


@pytest.mark.parametrize("way", [(9, 0), (0, 9), (-7, 5), (0.5, 0.5)])
def test_a_head_that_moves_as_a_whole_says_nothing_though_its_box_stayed(drawn_heads, way):
    here = drawn_heads(SIZE, (160, 120, 120, 0.0))
    there = drawn_heads(SIZE, (160 + way[0], 120 + way[1], 120, 0.0))
    speaking = drawn_heads(SIZE, (160 + way[0], 120 + way[1], 120, 1.0))
    assert moved(here, there) < 0.4 * moved(here, speaking)


def test_a_head_that_comes_nearer_says_little(drawn_heads):
    here, nearer = drawn_heads(SIZE, (160, 120, 120, 0.0)), drawn_heads(SIZE, (160, 120, 124, 0.0))
    assert moved(here, nearer) < 0.4 * moved(here, drawn_heads(SIZE, (160, 120, 124, 1.0)))


def test_light_that_changes_says_nothing(drawn_heads):
    here = drawn_heads(SIZE, (160, 120, 120, 0.0))
    darker = Picture((here.luma * 0.8).astype(np.uint8), here.blue, here.red)
    assert moved(here, darker) < 0.2 * moved(here, drawn_heads(SIZE, (160, 120, 120, 1.0)))


def test_far_and_near_faces_compare(drawn_heads):
    near = moved(drawn_heads(SIZE, (160, 120, 160, 0.0)), drawn_heads(SIZE, (160, 120, 160, 1.0)), face(head=160))
    far = moved(drawn_heads(SIZE, (160, 120, 60, 0.0)), drawn_heads(SIZE, (160, 120, 60, 1.0)), face(head=60))
    assert 0.5 < near / far < 2


def test_the_shape_of_samples_does_not_matter(drawn_heads):
    square = moved(drawn_heads(SIZE, (160, 120, 120, 0.0)), drawn_heads(SIZE, (160, 120, 120, 1.0)))
    heads = (160, 120, 120, 0.0), (160, 120, 120, 1.0)
    squeezed = moved(*(drawn_heads(SIZE, head, aspect=4 / 3) for head in heads))
    assert squeezed == pytest.approx(square, rel=0.3)


def test_a_face_that_is_cut_off_gives_no_motion(drawn_heads):
    picture = drawn_heads(SIZE, (160, 120, 120))
    assert moved(picture, picture, face(x=-40)) is None
    assert moved(picture, picture, face(y=600)) is None


def test_a_face_that_is_gone_gives_no_motion(drawn_heads):
    rubbish = drawn_heads(SIZE)
    rubbish.luma[:] = np.random.default_rng(1).integers(0, 255, rubbish.luma.shape)
    assert moved(drawn_heads(SIZE, (160, 120, 120)), rubbish) is None
