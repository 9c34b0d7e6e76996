"""The best set of windows that do not overlap."""

from bisect import bisect_right
from collections.abc import Sequence

from clipmill.analyzer.boundaries import Window


def best_set(windows: Sequence[Window], values: Sequence[float], most: int) -> list[int]:
    """Return the indices of up to `most` windows that do not overlap: as many as can be, of these the most valuable.

    Weighted interval scheduling with a bound on the number chosen: windows are ordered by their end, and for each
    number of windows chosen so far the best sum is either that without the window at hand, or its value plus the best
    sum of one window fewer among those that end before it starts. O(n · most).

    Args:
        windows: candidates in any order.
        values: what each is worth; may be negative.
        most: how many are wanted.
    """
    order = sorted(range(len(windows)), key=lambda index: (windows[index].end_ms, windows[index].start_ms))
    ends = [windows[index].end_ms for index in order]
    before = [bisect_right(ends, windows[index].start_ms) for index in order]
    best: list[list[float | None]] = [[0.0] * (len(order) + 1)]
    for count in range(1, most + 1):
        fewer = best[count - 1]
        sums: list[float | None] = [None] * (len(order) + 1)
        for position, index in enumerate(order):
            base = fewer[before[position]]
            taken = None if base is None else base + values[index]
            left = sums[position]
            sums[position + 1] = left if taken is None or (left is not None and left >= taken) else taken
        if sums[-1] is None:
            break
        best.append(sums)
    chosen: list[int] = []
    position = len(order)
    for count in range(len(best) - 1, 0, -1):
        while best[count][position] == best[count][position - 1]:
            position -= 1
        chosen.append(order[position - 1])
        position = before[position - 1]
    return chosen
