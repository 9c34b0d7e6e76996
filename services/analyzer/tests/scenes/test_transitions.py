"""Gradual transitions are found in pictures that are composed with known transitions."""

import cv2
import numpy as np
import pytest
from clipmill.analyzer.scenes.detection_request import Detected, Transition
from clipmill.analyzer.scenes.shots import scenes_from
from clipmill.analyzer.scenes.transitions import gradual

SIDE = 16
SIZE = 128
SHORTEST = 0.6


def world(seed, size=SIZE):
    """Return a picture with details of all sizes, as in a photograph."""
    chance = np.random.default_rng(seed)
    total = np.zeros((size, size), dtype=np.float32)
    for octave in range(1, 8):
        coarse = chance.normal(0, 1, (2**octave, 2**octave)).astype(np.float32)
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) / octave
    total -= total.mean()
    return np.clip(chance.uniform(80, 170) + 45 * total / total.std(), 0, 255)


def seen(picture):
    return cv2.resize(np.asarray(picture, dtype=np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def still(seed):
    view = world(seed)
    return lambda _: view


def moving(seed, speed):
    """Return the pictures of a camera that turns by `speed` widths of the picture per second."""
    view = np.hstack([world(seed), world(seed + 1000), world(seed + 2000), world(seed + 3000)])
    return lambda time: view[:, (at := int((time * speed * SIZE) % (3 * SIZE))) : at + SIZE]


def zooming(seed, rate):
    view = world(seed)

    def picture(time):
        half = SIZE / 2 * np.exp(-rate * time)
        matrix = np.array([[half * 2 / SIZE, 0, SIZE / 2 - half], [0, half * 2 / SIZE, SIZE / 2 - half]])
        return cv2.warpAffine(view, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    return picture


def passing(seed, speed):
    """Return pictures in which a dark rectangle, a third of the picture wide, moves to and fro."""
    view = world(seed)

    def picture(time):
        scene = view.copy()
        left = int(43 + 42 * np.sin(speed * time))
        scene[25:, left : left + 43] = 30 + 20 * (np.arange(43) % 10 > 5)
        return scene

    return picture


def edited(before, after, start, length, through=None):
    """Return `before` until `start`, `after` from `start + length` on, and a mixture or a fade through grey between."""

    def picture(time):
        share = np.clip((time - start) / length, 0, 1)
        if through is None:
            return before(time) * (1 - share) + after(time) * share
        contrast = abs(2 * share - 1)
        return (before(time) if share < 0.5 else after(time)) * contrast + through * (1 - contrast)

    return picture


def found(picture, seconds=8.0, cuts=(), times=None):
    chance = np.random.default_rng(9)
    times = np.arange(0, seconds, 0.04) if times is None else np.asarray(times)
    pictures = np.array([np.clip(seen(picture(time)) + chance.normal(0, 0.7, (SIDE, SIDE)), 0, 255) for time in times])
    return gradual(times, pictures.reshape(len(times), -1).round().astype(np.uint8), cuts, SHORTEST)


@pytest.mark.parametrize("length", [0.3, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_dissolve_is_one_boundary_at_its_middle(length, seed):
    (change,) = found(edited(still(seed), still(seed + 50), 2.5, length))
    assert change.boundary == pytest.approx(2.5 + length / 2, abs=0.081)
    assert change.start == pytest.approx(2.5, abs=0.1 + length / 5)
    assert change.end == pytest.approx(2.5 + length, abs=0.1 + length / 5)


def test_a_dissolve_between_moving_pictures_is_found():
    (change,) = found(edited(passing(4, 1.5), moving(54, 0.08), 3.0, 1.0))
    assert 3.0 < change.boundary < 4.0


@pytest.mark.parametrize("through", [0, 16, 255])
@pytest.mark.parametrize("length", [0.4, 1.0, 2.4])
def test_a_fade_is_one_boundary_in_its_even_part(through, length):
    (change,) = found(edited(still(5), still(6), 2.5, length, through))
    assert change.boundary == pytest.approx(2.5 + length / 2, abs=0.081)


def test_a_fade_to_black_that_stays_black_for_a_while_is_one_boundary_there():
    black = edited(still(7), lambda _: np.zeros((SIZE, SIZE)), 2.0, 1.0)
    (change,) = found(edited(black, still(8), 4.0, 1.0))
    assert 3.0 <= change.boundary <= 4.0


def test_a_fade_out_and_in_on_the_same_picture_is_a_boundary_too():
    assert len(found(edited(still(9), still(9), 2.5, 1.6, 0))) == 1


def test_a_video_that_begins_and_ends_in_black_has_no_boundary_there():
    black = lambda _: np.zeros((SIZE, SIZE))  # noqa: E731
    assert found(edited(edited(black, still(10), 0.4, 1.0), black, 6.0, 1.0)) == ()


@pytest.mark.parametrize("speed", [0.02, 0.1, 0.4, 1.5])
def test_a_turning_camera_is_no_transition(speed):
    assert found(moving(11, speed), 12.0) == ()


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_a_zoom_is_no_transition(rate):
    assert found(zooming(12, rate)) == ()


@pytest.mark.parametrize("speed", [0.5, 1.5, 4.0])
def test_something_that_passes_is_no_transition(speed):
    assert found(passing(13, speed), 12.0) == ()


@pytest.mark.parametrize("depth", [0.3, 0.6, 0.75])
def test_changing_light_is_no_transition(depth):
    view = still(14)
    assert found(lambda time: view(time) * (1 - depth / 2 + depth / 2 * np.sin(1.5 * time)), 12.0) == ()


def test_flashes_are_no_transitions():
    view = passing(15, 0.7)
    assert found(lambda time: np.clip(view(time) + 300 * np.exp(-((time % 1.7) * 9)), 0, 255), 12.0) == ()


def test_a_picture_that_appears_on_a_part_of_a_slide_is_no_transition():
    slide, inset = np.full((SIZE, SIZE), 250.0), world(16)[:50, :50]

    def picture(time):
        scene = slide.copy()
        scene[15:22, 10:75] = 40
        scene[40:90, 65:115] += (inset - 250) * np.clip(time - 3, 0, 1)
        return scene

    assert found(picture) == ()


def test_a_wipe_is_no_dissolve():
    before, after = world(17), world(18)
    assert found(lambda time: np.where(np.arange(SIZE) < SIZE * np.clip((time - 3) / 1.5, 0, 1), after, before)) == ()


def test_a_cut_is_no_transition_even_if_nobody_found_it():
    assert found(edited(still(19), still(20), 3.0, 0.001)) == ()


def test_a_transition_over_which_there_is_a_cut_is_that_cuts():
    assert found(edited(still(21), still(22), 3.0, 1.0), cuts=(3.4,)) == ()


def test_transitions_keep_the_shortest_shots_length_from_cuts_and_from_each_other():
    near = edited(edited(still(23), still(24), 2.0, 0.4), still(25), 2.5, 0.4)
    boundaries = [change.boundary for change in found(near)]
    assert len(boundaries) == 1
    late = edited(still(26), still(27), 3.0, 0.4)
    assert len(found(late, cuts=(2.5,))) == 1
    assert found(late, cuts=(2.9,)) == ()


def test_varying_frame_times_do_not_matter():
    chance = np.random.default_rng(3)
    times = np.cumsum(chance.uniform(0.01, 0.11, 160))
    length = float(times[-1])
    (change,) = found(edited(still(28), still(29), length / 2, 0.8), times=times)
    assert change.boundary == pytest.approx(length / 2 + 0.4, abs=0.13)
    assert change.boundary in times


def test_a_frame_that_stays_for_years_does_not_matter():
    times = np.concatenate([np.arange(0, 8, 0.04), np.arange(1e9, 1e9 + 4, 0.04)])
    (change,) = found(edited(still(32), still(33), 3.0, 1.0), times=times)
    assert change.boundary == pytest.approx(3.5, abs=0.081)


def test_a_video_without_frames_has_no_transition():
    assert gradual(np.zeros(0), np.zeros((0, SIDE * SIDE), dtype=np.uint8), (), SHORTEST) == ()


def test_a_long_shot_is_searched_to_its_end():
    (change,) = found(edited(still(30), still(31), 310.0, 1.0), seconds=314.0)
    assert change.boundary == pytest.approx(310.5, abs=0.081)


def test_the_document_has_the_boundaries_of_both_kinds():
    change = Transition(start=3.0, end=4.0, boundary=3.5)
    scenes = scenes_from(Detected(cuts=(1.0, 6.0), frame_rate=25.0, frames=200, transitions=(change,)), 8.0)
    assert [(shot.start, shot.transition) for shot in scenes.shots] == [(0.0, 0.0), (1.0, 0.0), (3.5, 1.0), (6.0, 0.0)]
