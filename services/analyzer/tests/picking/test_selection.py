"""The ranked list of moments: nothing overlaps, nothing is blocked for nothing, and there is room for enough."""

from itertools import combinations

from clipmill.analyzer.picking.scheduling import Room, times_of
from clipmill.analyzer.picking.selection import Candidates, deviations, kept_room, ranked
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.options import JOB_CLIPS_LIMIT
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

_places = st.tuples(st.integers(0, 60), st.integers(5, 25), st.integers(-9, 9), st.booleans())


def _window(start, length):
    return Window(first=0, last=0, start_ms=start, end_ms=start + length)


def _candidates(*places):
    windows = [_window(start, length) for start, length, *_ in places]
    complete = [len(place) < 4 or place[3] for place in places]
    longest = max((window.length_ms for window in windows), default=1)
    return Candidates(windows=windows, values=[place[2] for place in places], complete=complete, longest_ms=longest)


@given(st.lists(_places, max_size=25), st.lists(st.tuples(st.integers(0, 60), st.integers(5, 25)), max_size=1))
def test_moments_do_not_overlap_fall_in_value_and_leave_nothing_free(places, taken):
    candidates, busy = _candidates(*places), [_window(*place) for place in taken]
    chosen = ranked(candidates, busy)
    windows = [candidates.windows[index] for index in chosen]
    assert not any(one.overlaps(other) for one, other in combinations([*windows, *busy], 2))
    keys = [(not candidates.complete[index], -candidates.values[index]) for index in chosen]
    assert keys == sorted(keys)
    for window in candidates.windows:
        assert any(window.overlaps(other) for other in [*windows, *busy])


@given(st.lists(_places, min_size=1, max_size=25))
def test_there_are_as_many_moments_as_room_is_kept_for(places):
    candidates = _candidates(*places)
    starts, ends = times_of(candidates.windows)
    end, longest = int(ends.max()), int((ends - starts).max())
    assert len(ranked(candidates)) >= kept_room(Room(starts, ends).within((0, end)), end // longest)


def test_room_is_kept_for_two_for_a_third_of_the_shortest_and_for_all_of_the_longest():
    assert [kept_room(room, 0) for room in (0, 1, 2, 6, 7, 45, 99)] == [0, 1, 2, 2, 3, 15, 15]
    assert kept_room(5, 4) == 4


def test_the_best_window_comes_first_whatever_else_there_is():
    chosen = ranked(_candidates((0, 30, 9), *((start, 10, 1) for start in range(0, 120, 10))))
    assert chosen[0] == 0


def test_two_moments_win_over_one_that_runs_across_both():
    others = [(start, 10, 0) for start in range(100, 400, 10)]
    assert sorted(ranked(_candidates((0, 40, 5.1), (0, 20, 5), (20, 20, 4.9), *others))[:2]) == [1, 2]


def test_a_window_that_is_clearly_better_wins_over_two():
    others = [(start, 10, 0) for start in range(100, 400, 10)]
    assert ranked(_candidates((0, 40, 9), (0, 20, 5), (20, 20, 5), *others))[0] == 0


def test_windows_that_are_not_complete_only_fill_what_the_others_leave_free():
    chosen = ranked(_candidates((0, 20, 1, True), (10, 20, 9, False), (40, 20, 9, False), (70, 20, 0, True)))
    assert chosen == [0, 3, 2]


def test_a_window_gives_way_to_a_longer_one_only_where_that_is_free():
    places = [(0, 10, 5), (0, 15, 2), (20, 10, 4), (20, 15, 1), (30, 10, 3)]
    candidates = _candidates(*places)
    longer = {0: 1, 2: 3}
    chosen = ranked(replace(candidates, longer=longer.get))
    assert sorted(chosen) == [1, 2, 4], "the window from 20 to 35 would overlap the good one from 30 on"


def test_a_list_has_an_end():
    assert len(ranked(_candidates(*((start, 10, 0) for start in range(0, 1000, 10))))) == JOB_CLIPS_LIMIT == 45


def test_values_are_compared_with_all_windows_of_the_source():
    assert deviations([1.0, 3.0]).tolist() == [-1.0, 1.0]
    assert deviations([2.0, 2.0]).tolist() == [0.0, 0.0]
    assert ranked(_candidates()) == []
