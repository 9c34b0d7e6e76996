"""Sets of windows that do not overlap."""

from itertools import combinations

import numpy as np
from clipmill.analyzer.picking.scheduling import Room, best_total, gaps_between, times_of
from clipmill.analyzer.talk.windows import Window
from hypothesis import given
from hypothesis import strategies as st

_windows = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 15)).map(
        lambda pair: Window(first=0, last=0, start_ms=pair[0], end_ms=pair[0] + pair[1])
    ),
    max_size=9,
)


def _apart(windows):
    return all(one.end_ms <= other.start_ms or other.end_ms <= one.start_ms for one, other in combinations(windows, 2))


def _sets(windows):
    indices = range(len(windows))
    every = (subset for count in range(len(windows) + 1) for subset in combinations(indices, count))
    return [subset for subset in every if _apart([windows[index] for index in subset])]


@given(_windows, st.lists(st.integers(-5, 20), min_size=9, max_size=9))
def test_the_best_set_has_the_highest_total(windows, worth):
    chosen = best_total(*times_of(windows), np.array(worth[: len(windows)], dtype=np.float64))
    assert _apart([windows[index] for index in chosen])
    assert all(worth[index] > 0 for index in chosen)
    assert chosen == sorted(chosen, key=lambda index: windows[index].start_ms)
    assert sum(worth[index] for index in chosen) == max(
        sum(worth[index] for index in subset) for subset in _sets(windows)
    )


@given(_windows, st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_room_is_the_most_windows_that_fit(windows, edges):
    gap = (min(edges), max(edges) + 10)
    inside = [one for one in windows if gap[0] <= one.start_ms and one.end_ms <= gap[1]]
    assert Room(*times_of(windows)).within(gap) == max(map(len, _sets(inside)))


@given(_windows)
def test_room_beside_a_window_is_the_most_that_fit_with_it(windows):
    gap = (0, 60)
    beside = Room(*times_of(windows)).beside(gap, *times_of(windows))
    for index, others in enumerate(beside.tolist()):
        assert others + 1 == max(len(subset) for subset in _sets(windows) if index in subset)


def test_gaps_are_what_is_left_between_blocked_parts():
    assert gaps_between([(10, 20), (20, 30), (0, 5)], 35) == [(5, 10), (30, 35)]
    assert gaps_between([], 7) == [(0, 7)]
