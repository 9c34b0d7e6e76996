import numpy as np
import pytest
from clipmill.contracts.options import OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.directing.camera import filmed, held, rows, together
from clipmill.renderer.directing.crops import Geometry

GEOMETRY = Geometry(1920, 1080, 25.0, CANVASES[OutputFormat.VERTICAL])
CROP = GEOMETRY.crop


def followed(surveyed, someone, at, *, crop=CROP, geometry=GEOMETRY, **facts):
    """Return the crop's edges, the face's rows, and the surveyed track of one person."""
    survey, _ = surveyed(someone(at), size=(geometry.width, geometry.height), **facts)
    (track,) = survey.shots[0].tracks
    found = rows(track, survey.shots[0].span, geometry.rate)
    return filmed(found, crop, geometry), found


def test_a_still_person_is_filmed_by_a_still_camera_from_the_middle(surveyed, someone):
    edges, _ = followed(surveyed, someone, lambda time: (700, 400, 200), noise=0.02)
    assert np.all(np.ptp(edges, axis=0) == 0)
    assert edges[0, 0] + CROP[0] / 2 == pytest.approx(700, abs=0.02 * CROP[0])


def test_the_eyes_are_a_little_above_two_fifths_of_the_crop_where_there_is_room(surveyed, someone):
    edges, found = followed(surveyed, someone, lambda time: (700, 500, 80), crop=(303.75, 540), noise=0.005)
    assert np.nanmedian(found[4] - edges[:, 1]) / 540 == pytest.approx(0.39, abs=0.02)


def test_a_walking_person_never_leaves_the_crop(surveyed, someone):
    edges, _ = followed(surveyed, someone, lambda time: (400 + 110 * time, 420, 180))
    faces = 400 + 110 * np.arange(250) / 25
    assert np.all(edges[:, 0] <= faces - 90)
    assert np.all(edges[:, 0] + CROP[0] >= faces + 90)


def test_one_wrong_box_moves_nothing(surveyed, someone):
    edges, _ = followed(surveyed, someone, lambda time: (900 if 5 < time < 5.1 else 700, 400, 200), misses=0)
    assert np.all(np.ptp(edges, axis=0) == 0)


def test_a_jump_is_a_cut(surveyed, someone):
    edges, _ = followed(surveyed, someone, lambda time: (400 if time < 5 else 1500, 400, 200), ghosts=0)
    steps = np.abs(np.diff(edges[:, 0]))
    assert np.count_nonzero(steps) == 1
    assert steps.max() == pytest.approx(1100, abs=40)


@pytest.mark.parametrize("cut", [0.3, 9.6])
def test_a_jump_at_a_shots_edge_is_a_cut_too(surveyed, someone, cut):
    edges, _ = followed(surveyed, someone, lambda time: (400 if time < cut else 1500, 400, 200), ghosts=0, misses=0)
    assert np.count_nonzero(np.diff(edges[:, 0])) == 1


@pytest.mark.parametrize("seed", range(4))
def test_quick_turns_are_followed_though_a_detection_may_miss_them(surveyed, someone, seed):
    geometry = Geometry(1920, 1080, 30.0, GEOMETRY.canvas)
    path = 960 + 400 * np.sin(2 * np.pi * np.arange(600) / 90)
    edges, _ = followed(
        surveyed,
        someone,
        lambda time: (960 + 400 * np.sin(2 * np.pi * time / 3), 540, 80),
        geometry=geometry,
        rate=30.0,
        seconds=20.0,
        seed=seed,
        ghosts=0,
    )
    inside = (edges[:, 0] <= path - 40) & (path + 40 <= edges[:, 0] + CROP[0])
    assert inside.mean() >= 0.99


def test_where_a_crop_does_not_hold_a_group_the_foremost_is_shown(surveyed, someone):
    speaker, other = (np.tile(np.array([[x], [300], [x + 180], [480], [340]]), 100) for x in (610.0, 910.0))
    other[0, 40:60], other[2, 40:60] = 1410, 1590
    edges = filmed(held([speaker, other], CROP), CROP, GEOMETRY)
    assert np.all((edges[:, 0] <= 610) & (edges[:, 0] + CROP[0] >= 790))


def test_a_face_that_fills_the_crop_is_kept_in_its_middle(surveyed, someone):
    edges, _ = followed(surveyed, someone, lambda time: (960 + 20 * np.sin(time), 540, 560))
    assert np.abs(edges[:, 0] + CROP[0] / 2 - 960).max() < 0.1 * CROP[0]


def test_in_a_close_up_hair_gives_way_before_the_camera_shakes(surveyed, someone):
    wide = Geometry(1080, 1920, 25.0, CANVASES[OutputFormat.HORIZONTAL])
    edges, found = followed(
        surveyed, someone, lambda time: (540, 700 + 8 * np.sin(time), 340), crop=wide.crop, geometry=wide
    )
    assert np.all(np.ptp(edges, axis=0) == 0)
    assert np.all((edges[:, 1] <= found[1]) & (found[3] <= edges[:, 1] + wide.crop[1]))


def test_a_face_is_on_its_way_between_its_detections(surveyed, someone):
    _, found = followed(surveyed, someone, lambda time: (400 + 60 * time, 420, 180), noise=0, misses=0, ghosts=0)
    assert found[0, :240] == pytest.approx(400 + 60 * np.arange(240) / 25 - 90)


def test_a_face_that_was_not_seen_for_long_is_nowhere(surveyed, someone):
    _, found = followed(
        surveyed, someone, lambda time: (400 if time < 3 else 900, 420, 180) if not 3 < time < 6 else None, misses=0
    )
    assert np.all(np.isnan(found[:, 90:140]))


def test_people_together_are_one_box_with_the_highest_eyes():
    one, other = np.array([[0.0], [10], [50], [60], [30]]), np.array([[80.0], [5], [120], [45], [20]])
    unseen = np.full((5, 1), np.nan)
    assert together([one, other]).ravel().tolist() == [0, 5, 120, 60, 20]
    assert together([one, unseen]).ravel().tolist() == one.ravel().tolist()


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_the_shortest_shots_have_a_path(surveyed, someone, frames):
    edges, _ = followed(surveyed, someone, lambda time: (700, 400, 200), seconds=frames / 25, misses=0, ghosts=0)
    assert edges.shape == (frames, 2)
    assert np.all(np.isfinite(edges))


def test_a_rate_below_that_of_the_knots_is_no_matter():
    geometry = Geometry(1920, 1080, 5.0, GEOMETRY.canvas)
    face = np.tile(np.array([[600.0], [300], [800], [500], [350]]), 20)
    assert np.all(np.ptp(filmed(face, CROP, geometry), axis=0) == 0)
    assert len(filmed(face, CROP, geometry)) == 20
