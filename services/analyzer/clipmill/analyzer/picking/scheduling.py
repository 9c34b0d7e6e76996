"""The best set of windows that do not overlap."""

from collections.abc import Sequence

import numpy as np
from clipmill.analyzer.talk.windows import Window


def best_set(windows: Sequence[Window], values: Sequence[float], most: int) -> list[int]:
    """Return the indices of up to `most` windows that do not overlap: as many as fit, with the highest total value.

    This is weighted interval scheduling with a limit on the number chosen (Kleinberg and Tardos 2005, section 6.1). It
    goes through the windows by their end. For each number of chosen windows, the best sum either leaves out the current
    window, or is its value plus the best sum of one window fewer among those that end before it starts. It takes
    O(n · (log n + most)).

    Args:
        windows: Candidates in any order.
        values: Value of each candidate, which may be negative.
        most: Number of windows wanted.
    """
    if not windows:
        return []
    starts = np.array([window.start_ms for window in windows])
    ends = np.array([window.end_ms for window in windows])
    worth = np.asarray(values, dtype=np.float64)
    order = np.lexsort((starts, ends))
    starts, ends, worth = starts[order], ends[order], worth[order]
    before = np.searchsorted(ends, starts, side="right")
    best = [np.zeros(len(order) + 1)]
    for _ in range(most):
        taken = best[-1][before] + worth
        sums = np.concatenate(([-np.inf], np.maximum.accumulate(taken)))
        if sums[-1] == -np.inf:
            break
        best.append(sums)
    chosen: list[int] = []
    position = len(order)
    for count in range(len(best) - 1, 0, -1):
        # The best sum took the window at the first place that reaches it.
        position = int(np.searchsorted(best[count][: position + 1], best[count][position], side="left"))
        chosen.append(int(order[position - 1]))
        position = int(before[position - 1])
    return chosen
