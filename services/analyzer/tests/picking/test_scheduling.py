"""The best set of windows."""

from itertools import combinations

from clipmill.analyzer.picking.scheduling import best_set
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


@given(_windows, st.lists(st.integers(-5, 20), min_size=9, max_size=9), st.integers(1, 4))
def test_it_is_the_most_windows_and_of_these_the_most_valuable(windows, values, most):
    chosen = best_set(windows, values[: len(windows)], most)
    possible = [
        subset
        for count in range(most + 1)
        for subset in combinations(range(len(windows)), count)
        if _apart([windows[index] for index in subset])
    ]
    best = max(possible, key=lambda subset: (len(subset), sum(values[index] for index in subset)))
    assert _apart([windows[index] for index in chosen])
    assert (len(chosen), sum(values[index] for index in chosen)) == (len(best), sum(values[index] for index in best))
