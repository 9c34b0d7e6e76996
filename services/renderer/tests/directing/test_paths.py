import numpy as np
import pytest
from clipmill.renderer.directing.paths import DEAD_ZONE, LEAST_WIDTH, THIRD, Tube, calmest, interpolated
from hypothesis import given, settings
from hypothesis import strategies as st

STEP = 0.1


def path_of(wanted, slack=0.3, low=0.5, high=2.66):
    """Return the calmest path of a crop that follows a subject.

    The picture is 3.16 crops wide; the subject is not visible where `wanted` is NaN.
    """
    wanted = np.asarray(wanted, float)
    seen = ~np.isnan(wanted)
    there = np.clip(np.where(seen, wanted, 0), low, high)
    limits = (
        np.where(seen, np.clip(there - slack, low, high), low),
        np.where(seen, np.clip(there + slack, low, high), high),
    )
    return calmest(Tube(there, seen.astype(float), *limits), STEP)


def reversals(path):
    ways = np.sign(np.diff(path))
    return int(np.count_nonzero(np.diff(ways[ways != 0])))


def noisy(wanted, size=0.01, seed=0):
    return np.asarray(wanted) + np.random.default_rng(seed).normal(0, size, len(wanted))


def test_a_subject_that_sways_moves_nothing():
    assert np.ptp(path_of(noisy(1.5 + 0.08 * np.sin(np.arange(200) * STEP * 2)))) == 0


def test_what_comes_back_soon_is_not_followed():
    wanted = noisy(np.full(300, 1.5))
    wanted[100:120] += 0.18
    wanted[200:208] += 0.25
    assert np.ptp(path_of(wanted)) == 0


def test_nobody_stays_for_seconds_outside_the_middle_third():
    wanted = noisy(np.full(300, 1.5))
    wanted[100:130] += 0.29
    path = path_of(wanted)
    assert np.abs(path - wanted)[110:120].max() < THIRD + DEAD_ZONE
    assert reversals(path) == 1


def test_a_lasting_change_of_place_is_one_move():
    path = path_of(noisy(np.where(np.arange(400) < 200, 1.0, 1.7)))
    moving = np.flatnonzero(np.diff(path))
    assert reversals(path) == 0
    assert 5 <= len(moving) <= 20  # half a second to two
    assert np.all(np.diff(moving) == 1)
    assert path[0] == pytest.approx(1.0, abs=2 * DEAD_ZONE)
    assert path[-1] == pytest.approx(1.7, abs=2 * DEAD_ZONE)


def test_a_walk_is_followed_without_lag():
    wanted = noisy(np.clip(0.8 + (np.arange(200) * STEP - 5) * 0.2, 0.8, 2.4))
    path = path_of(wanted)
    assert reversals(path) == 0
    assert np.median(np.abs(path - wanted)) < 0.05
    speed = np.diff(path) / STEP
    assert np.abs(np.diff(speed)).max() / STEP < 1  # crop lengths a second squared


def test_a_fast_swing_stays_in_the_tube():
    wanted = 1.5 + 0.9 * np.sin(np.arange(300) * STEP * 2 * np.pi / 5)
    path = path_of(wanted)
    assert np.abs(path - wanted).max() <= 0.3 + 1e-9
    assert reversals(path) == reversals(wanted)


def test_the_camera_waits_where_a_subject_was_lost():
    assert np.ptp(path_of([*np.full(50, 1.5), *np.full(100, np.nan)])) == 0


def test_nobody_at_all_is_shown_the_middle():
    assert np.all(path_of(np.full(20, np.nan)) == pytest.approx(1.58))


@given(
    st.lists(st.one_of(st.floats(-1, 4), st.just(float("nan"))), min_size=1, max_size=15),
    st.integers(1, 12),
    st.floats(0, 0.4),
)
@settings(max_examples=80, deadline=None)
def test_any_path_stays_in_its_tube(places, repeat, slack):
    wanted = np.repeat(places, repeat)
    path = path_of(wanted, slack)
    seen = ~np.isnan(wanted)
    assert np.all(np.isfinite(path))
    assert path.min() >= 0.5 - LEAST_WIDTH
    assert path.max() <= 2.66 + LEAST_WIDTH
    assert np.all(np.abs(path - np.clip(wanted, 0.5, 2.66))[seen] <= slack + LEAST_WIDTH)
    assert np.array_equal(path, path_of(wanted, slack))


@given(st.lists(st.floats(0, 3), min_size=1, max_size=20), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_between_knots_a_path_goes_nowhere_else(knots, frames):
    places = np.linspace(0, len(knots) - 1, (len(knots) - 1) * frames + 1)
    path = interpolated(np.array(knots), places)
    left = np.minimum(places.astype(int), max(0, len(knots) - 2))
    right = np.minimum(left + 1, len(knots) - 1)
    ends = np.array(knots)[left], np.array(knots)[right]
    assert np.all(path >= np.minimum(*ends) - 1e-9)
    assert np.all(path <= np.maximum(*ends) + 1e-9)
    assert np.all(path[ends[0] == ends[1]] == ends[0][ends[0] == ends[1]])


def test_ten_thousand_frames_are_no_matter():
    wanted = noisy(1.5 + np.cumsum(np.random.default_rng(3).normal(0, 0.03, 1800)))
    path = path_of(wanted)
    assert np.all(np.isfinite(path))
    assert reversals(path) / 180 < 0.2
