import numpy as np
from clipmill.renderer.camera import DEAD_ZONE, AxisCamera, Course
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 25
STEP = 5
WINDOW = 60
CROP, PICTURE = 405.0, 1280.0


def filmed(centres, extent=60.0, crop=CROP, picture=PICTURE):
    """Where the camera is at each frame, planned as the director plans."""
    camera = AxisCamera(crop, picture, RATE)
    centres = np.asarray(centres, float)
    extents = np.where(np.isnan(centres), np.nan, extent)
    path = []
    for first in range(0, len(centres), STEP):
        window = slice(first, first + WINDOW)
        count = min(STEP, len(centres) - first)
        path.extend(camera.plan(Course(centres[window], extents[window]), count))
    return np.array(path)


@given(
    st.lists(st.one_of(st.floats(-200, 1500), st.just(float("nan"))), min_size=2, max_size=12),
    st.sampled_from([(405.0, 1280.0), (720.0, 720.0), (607.5, 1920.0)]),
)
@settings(max_examples=60, deadline=None)
def test_the_crop_never_leaves_the_picture(places, lengths):
    crop, picture = lengths
    path = filmed(np.repeat(places, 9), crop=crop, picture=picture)
    assert np.all(path >= crop / 2 - 1e-6)
    assert np.all(path <= picture - crop / 2 + 1e-6)
    assert np.all(np.isfinite(path))


@given(st.floats(0, 1280), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_subject_that_only_sways_moves_nothing(place, seed):
    sway = np.random.default_rng(seed).uniform(-1, 1, 150) * DEAD_ZONE * CROP * 0.9
    path = filmed(place + sway)
    assert np.ptp(path) == 0


@given(st.floats(20, 250), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_walking_subject_stays_inside_and_near_the_middle(speed, rightwards):
    times = np.arange(200) / RATE
    centres = np.clip(260 + speed * times, 260, 1000)
    centres = centres if rightwards else 1280 - centres
    path = filmed(centres)
    assert np.all(np.abs(path - centres) <= CROP / 2 - 60)
    assert np.median(np.abs(path - centres)) < 0.12 * CROP


def test_the_camera_is_smooth():
    centres = 640 + 300 * np.sin(np.arange(300) / RATE * 2 * np.pi / 6)
    path = filmed(centres)
    speed = np.diff(path) * RATE / CROP
    assert np.abs(np.diff(speed) * RATE).max() < 2  # crop widths a second squared


def test_the_camera_comes_to_rest_when_the_subject_does():
    centres = np.concatenate([np.linspace(300, 900, 75), np.full(150, 900.0)])
    path = filmed(centres)
    assert np.ptp(path[-75:]) == 0
    assert abs(path[-1] - 900) < DEAD_ZONE * CROP


def test_the_camera_waits_for_a_subject_that_is_gone():
    centres = np.concatenate([np.full(50, 700.0), np.full(100, np.nan)])
    assert np.ptp(filmed(centres)) == 0


def test_a_jump_is_followed_fast_enough_to_keep_the_face():
    centres = np.concatenate([np.full(75, 400.0), np.full(75, 800.0)])
    inside = np.abs(filmed(centres) - centres) <= CROP / 2 - 60
    assert np.mean(inside) > 0.95


def test_a_picture_no_larger_than_the_crop_is_not_panned():
    assert np.all(filmed(np.linspace(0, 700, 50), crop=720, picture=720) == 360)
