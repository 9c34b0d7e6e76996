"""The camera's solver against other ways to the same answers: dense algebra, SciPy, and calculation by hand."""

import numpy as np
import pytest
from clipmill.renderer.directing import paths
from clipmill.renderer.directing.paths import Tube, calmest, interpolated
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

STEP = 0.5


def cost(x, tube, step=STEP):
    """Return a path's cost, by the formula at the top of `paths` with its documented numbers."""
    away = np.abs(x - tube.wanted)
    place = np.maximum(0, away - 0.04) + 2.0 * np.maximum(0, away - 1 / 6)
    bends = np.diff(x, 2) / step**2
    return step * tube.weight @ place + 1.5 * np.abs(np.diff(x)).sum() + 0.03 / 2 * step * bends @ bends


def by_scipy(tube, step=STEP):
    """Return SciPy's cheapest path; each absolute value is a variable above a value and its negative."""
    count = len(tube.wanted)
    sides = [(zone, side, weight) for zone, weight in ((0.04, 1.0), (1 / 6, 2.0)) for side in (-1, 1)]
    moves = np.diff(np.eye(count), axis=0)
    rows = np.vstack([moves, *[np.eye(count)] * len(sides)])
    shift = np.concatenate([np.zeros(count - 1), *(side * zone - tube.wanted for zone, side, _ in sides)])
    prices = np.concatenate([np.full(count - 1, 1.5), *(weight * step / 2 * tube.weight for _, _, weight in sides)])
    bends = np.diff(np.eye(count), 2, axis=0) / step**2
    bending = 0.03 * step * bends.T @ bends
    bounds = np.hstack([rows, -np.eye(len(rows))]), np.hstack([-rows, -np.eye(len(rows))])
    limits = np.vstack(bounds), np.concatenate([shift, -shift])
    start = np.clip(tube.wanted, tube.low, tube.high)
    found = minimize(
        lambda v: 0.5 * v[:count] @ bending @ v[:count] + prices @ v[count:],
        np.concatenate([start, np.abs(rows @ start + shift)]),
        jac=lambda v: np.concatenate([bending @ v[:count], prices]),
        bounds=[*zip(tube.low, tube.high, strict=True), *[(0, None)] * len(rows)],
        constraints={"type": "ineq", "fun": lambda v: -limits[0] @ v - limits[1], "jac": lambda v: -limits[0]},
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-10},
    )
    return np.clip(found.x[:count], tube.low, tube.high)


def random_tube(seed, count=9):
    chance = np.random.default_rng(seed)
    wanted = 1.5 + np.cumsum(chance.normal(0, 0.25, count))
    weight = chance.choice([0.0, 0.4, 1.0], count, p=[0.2, 0.3, 0.5])
    weight[0] = 1.0
    slack = chance.uniform(0.05, 0.5, count)
    return Tube(wanted, weight, wanted - slack, wanted + chance.uniform(0.05, 0.5, count))


@pytest.mark.parametrize("seed", range(8))
def test_no_path_that_scipy_finds_is_cheaper(seed):
    tube = random_tube(seed)
    ours, other = paths._InteriorPoint(tube, STEP).solved(), by_scipy(tube)
    assert np.all(ours > tube.low)
    assert np.all(ours < tube.high)
    assert cost(ours, tube) <= cost(other, tube) + 1e-6
    assert cost(other, tube) <= cost(ours, tube) + 1e-3, "SciPy has found nothing to compare with"


@pytest.mark.parametrize("seed", range(20, 26))
def test_no_change_makes_a_long_path_cheaper(seed):
    tube, chance = random_tube(seed, 120), np.random.default_rng(seed)
    found = paths._InteriorPoint(tube, 0.2).solved()
    least = cost(found, tube, 0.2)
    for _ in range(300):
        first, last = np.sort(chance.integers(0, 121, 2))
        change = np.zeros(120)
        change[first:last] = chance.normal(0, 10.0 ** chance.uniform(-4, -1))
        assert least <= cost(np.clip(found + change, tube.low, tube.high), tube, 0.2) + 1e-6


@pytest.mark.parametrize("seed", range(40, 46))
def test_newtons_steps_are_few(seed, monkeypatch):
    steps, direction = [], paths._InteriorPoint._direction

    def counted(self, *arguments):
        steps.append(1)
        return direction(self, *arguments)

    monkeypatch.setattr(paths._InteriorPoint, "_direction", counted)
    paths._InteriorPoint(random_tube(seed, 200), 0.1).solved()
    assert 8 <= len(steps) <= 32


def test_a_subject_that_nobody_sees_costs_nothing_wherever_it_is():
    seen = Tube(np.array([1.0, 1, 9, 9, 1, 1]), np.array([1.0, 1, 0, 0, 1, 1]), np.zeros(6), np.full(6, 3.0))
    assert calmest(seen, STEP) == pytest.approx(np.ones(6))


@given(st.integers(3, 12), st.integers(0, 10_000))
def test_five_diagonals_are_solved_as_the_whole_matrix_is(count, seed):
    chance = np.random.default_rng(seed)
    first, second = chance.normal(0, 1, count - 1), chance.normal(0, 1, count - 2)
    dense = np.diag(first, 1) + np.diag(first, -1) + np.diag(second, 2) + np.diag(second, -2)
    diagonal = np.abs(dense).sum(0) + chance.uniform(0.1, 2, count)
    dense += np.diag(diagonal)
    right, x = chance.normal(0, 1, count), chance.normal(0, 1, count)
    assert paths._pentadiagonal(diagonal, first, second, right) == pytest.approx(np.linalg.solve(dense, right))
    assert paths._times((diagonal, first, second), x) == pytest.approx(dense @ x)


@given(st.integers(3, 12), st.floats(0.01, 10))
def test_the_bands_are_those_of_second_differences(count, weight):
    diagonal, first, second = paths._second_differences(count, weight)
    differences = np.diff(np.eye(count), 2, axis=0)
    dense = np.diag(diagonal) + sum(
        np.diag(band, sign * offset) for offset, band in ((1, first), (2, second)) for sign in (-1, 1)
    )
    assert dense == pytest.approx(weight * differences.T @ differences)


def test_a_step_reaches_the_nearest_limit():
    assert paths._reach(np.array([1.0, 3, 2]), np.array([-0.5, -6, 1])) == 0.5
    assert paths._reach(np.array([1.0, 3]), np.array([0.0, 2])) == np.inf


def tube_of(wanted, low, high, weight=1.0):
    count = len(wanted)
    limits = (np.broadcast_to(np.asarray(each, float), count).copy() for each in (low, high))
    return Tube(np.asarray(wanted, float), np.broadcast_to(np.asarray(weight, float), count).copy(), *limits)


def test_a_camera_is_locked_where_the_subject_is_nineteen_times_in_twenty():
    wanted = np.full(40, 1.0)
    wanted[:2] = 1.5
    assert np.all(calmest(tube_of(wanted, 0.0, 2.0), 0.01) == 1.0)
    sways = np.where(np.arange(40) % 2, 1.0, 1.18)
    sways[:2] = 1.5
    assert np.ptp(calmest(tube_of(sways, 0.0, 2.0), 5.0)) > 0, "the median is 1.18, and half of the samples are too far"


def test_a_locked_camera_stands_at_the_limit_that_is_nearest_to_the_subject():
    assert np.all(calmest(tube_of(np.full(30, 1.0), 1.05, 2.0), STEP) == 1.05)
    assert np.all(calmest(tube_of(np.full(30, 1.0), 0.0, 0.95), STEP) == 0.95)
    low = np.where(np.arange(30) < 15, 0.0, 1.05)
    assert np.all(calmest(tube_of(np.full(30, 1.0), low, 2.0), STEP) == 1.05)


def test_limits_that_no_place_fits_make_the_camera_move():
    low, high = np.repeat([0.0, 1.5], 10), np.repeat([0.5, 2.0], 10)
    path = calmest(tube_of(np.repeat([0.2, 1.8], 10), low, high, 0.0), STEP)
    assert path[:10].max() <= 0.5
    assert path[10:].min() >= 1.5


def test_limits_that_cross_are_gone_between():
    path = calmest(tube_of([1.0, 1.0, 1.0, 1.0], [1.2, 0.0, 0.0, 0.0], [1.0, 2.0, 2.0, 2.0]), STEP)
    assert path[0] == pytest.approx(1.1, abs=0.0005 + 1e-12)


def test_a_narrow_tube_is_widened_evenly_to_a_thousandth():
    seen = np.repeat([0.0, 1.0], 10)
    path = calmest(tube_of(seen, seen, seen), STEP)
    assert np.abs(path - seen).max() == pytest.approx(0.0005, rel=0.02)
    wide = calmest(tube_of(seen, seen - 0.01, seen + 0.01), STEP)
    assert np.abs(wide - seen).max() == pytest.approx(0.01, rel=0.02)


def test_two_knots_are_shown_as_they_are_wanted_within_their_limits():
    assert calmest(tube_of([0.5, 2.5], 1.0, 2.0), STEP).tolist() == [1.0, 2.0]
    assert calmest(tube_of([1.25, 1.75], 1.0, 2.0), STEP).tolist() == [1.25, 1.75]


def test_three_knots_are_solved():
    tube = tube_of([0.0, 1.0, 1.0], 0.0, 2.0)
    path = calmest(tube, 10.0)
    assert path.tolist() != [0.0, 1.0, 1.0]
    assert cost(path, tube, 10.0) <= cost(np.array([0.04, 0.96, 0.96]), tube, 10.0) + 1e-6


STILL = np.array([1.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.3, 1.3])


def test_what_stands_still_but_for_rounding_stands_still():
    rough = STILL + np.array([1, -1, 0, 0, 0, 1, 0, -1]) * 5e-6
    settled = paths._settled(rough, np.zeros(8), np.full(8, 2.0))
    assert np.ptp(settled[:3]) == np.ptp(settled[5:]) == 0
    assert settled == pytest.approx(STILL, abs=1e-5)
    assert settled[3:5] == pytest.approx([1.1, 1.2], abs=1e-5)
    assert np.array_equal(rough, STILL + np.array([1, -1, 0, 0, 0, 1, 0, -1]) * 5e-6)


def test_a_path_that_never_stands_is_left_as_it_is():
    moving = np.linspace(0, 1, 6)
    assert paths._settled(moving, np.zeros(6), np.ones(6)) is moving
    assert paths._holds(moving, np.zeros(6), np.ones(6)) == []


def holds(x, low=0.0, high=3.0):
    x = np.asarray(x, float)
    found = paths._holds(x, np.full(len(x), low), np.full(len(x), high))
    return [(hold.first, hold.last, pytest.approx(hold.place)) for hold in found]


def test_holds_are_the_parts_that_stand_still():
    assert holds(STILL) == [(0, 2, 1.0), (5, 7, 1.3)]
    assert holds([1.0, 1.0, 2.0, 2.0]) == [(0, 1, 1.0), (2, 3, 2.0)]


def test_a_move_that_nobody_would_make_is_left_out():
    assert holds([1.0, 1.0, 1.02, 1.02]) == [(0, 3, 1.01)]
    assert holds([1.0, 1.0, 1.02, 1.02, 1.04, 1.04]) == [(0, 3, 1.01), (4, 5, 1.04)]
    assert holds([1.0, 1.0, 1.04, 1.04]) == [(0, 1, 1.0), (2, 3, 1.04)]


def test_the_ends_of_a_path_count_as_holds_if_they_are_near():
    first = paths._holds(np.array([1.02, 1.01, 1.0, 1.0, 1.5, 1.6]), np.zeros(6), np.full(6, 3.0))
    assert [(hold.first, hold.last) for hold in first] == [(0, 3)]
    last = paths._holds(np.array([1.6, 1.5, 1.0, 1.0, 1.01, 1.02]), np.zeros(6), np.full(6, 3.0))
    assert [(hold.first, hold.last) for hold in last] == [(2, 5)]
    apart = paths._holds(np.array([1.2, 1.1, 1.0, 1.0, 1.1, 1.2]), np.zeros(6), np.full(6, 3.0))
    assert [(hold.first, hold.last) for hold in apart] == [(2, 3)]


def test_holds_that_no_place_in_the_tube_fits_stay_two():
    x = np.array([1.0, 1.0, 1.02, 1.02])
    low = np.array([0.0, 0.0, 1.015, 1.015])
    assert len(paths._holds(x, low, np.array([1.005, 1.005, 2.0, 2.0]))) == 2
    (one,) = paths._holds(x, low, np.full(4, 2.0))
    assert one.place == 1.015
    (one,) = paths._holds(x, np.zeros(4), np.array([1.005, 1.005, 2.0, 2.0]))
    assert one.place == 1.005


def test_between_two_holds_the_path_is_bent_to_both_and_beyond_them_shifted():
    x = np.array([0.5, 1.0 - 8e-6, 1.0 + 8e-6, 1.5, 2.0, 2.0 + 1e-5, 3.0])
    settled = paths._settled(x, np.zeros(7), np.full(7, 4.0))
    assert settled[1] == settled[2] == pytest.approx(1.0, abs=1e-9)
    assert settled[4] == settled[5] == pytest.approx(2.0 + 5e-6, abs=1e-9)
    assert settled[0] == pytest.approx(0.5 + 8e-6, abs=1e-9)
    assert settled[3] == pytest.approx(1.5 - 1.5e-6, abs=1e-9)
    assert settled[6] == pytest.approx(3.0 - 5e-6, abs=1e-9)


def test_a_path_at_one_knot_is_that_knot():
    assert interpolated(np.array([1.5]), np.zeros(4)).tolist() == [1.5] * 4


@given(st.lists(st.floats(0, 3), min_size=2, max_size=9))
def test_a_path_passes_through_its_knots(knots):
    found = interpolated(np.array(knots), np.arange(len(knots), dtype=float))
    assert found == pytest.approx(np.array(knots))


def test_a_straight_path_stays_straight():
    places = np.linspace(0, 4, 33)
    assert interpolated(np.array([1.0, 1.5, 2.0, 2.5, 3.0]), places) == pytest.approx(1 + places / 2)


def test_between_knots_a_path_is_fritsch_and_butlands():
    # Slopes at the knots 0, 1, 4, 4: first the first rise, then harmonic means of the adjacent rises, 0 at a turn.
    slopes = [1.0, 2 * 1 * 3 / (1 + 3), 0.0, 0.0]
    knots = np.array([0.0, 1.0, 4.0, 4.0])
    for left in range(3):
        for t in (0.25, 0.5, 0.75):
            rise = knots[left + 1] - knots[left]
            wanted = (
                knots[left]
                + rise * (3 * t**2 - 2 * t**3)
                + slopes[left] * (t**3 - 2 * t**2 + t)
                + slopes[left + 1] * (t**3 - t**2)
            )
            assert interpolated(knots, np.array([left + t]))[0] == pytest.approx(wanted)
