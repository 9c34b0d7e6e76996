"""Fades through black or white: a picture goes, an even one stays for a while or an instant, another comes.

The picture's contrast falls while all of it keeps its shape, and rises again with another or the same. PySceneDetect's
threshold detector takes any dark picture for a fade; here both slopes must be slow, and one picture's all the way.
"""

from collections.abc import Iterator

import numpy as np
from clipmill.analyzer.scenes.dissolves import Picture, Samples, Stretch
from numpy.typing import NDArray

EVEN = (2.0, 4.0, 7.0, 14.0)
"""Standard deviations of grey values below which a picture may be the bottom of a fade: a short fade is not caught at
its very bottom, and a dark shot between two fades is not much more uneven than they are."""

EVENEST = 1.5
"""How much of its least spread a bottom's pictures may have to be its middle."""

DARKEST, BRIGHTEST = 50.0, 205.0
"""Mean grey values up to which, and from which, an even picture is black or white."""

DEPTH = 0.25
"""The bottom's spread, as part of that of the pictures on both sides."""

LEAST_FROM_BLACK, LEAST_FROM_WHITE = 6.0, 40.0
"""How far the mean of the pictures on both sides is from the bottom's: text on a dark or a white slide has less."""

LONGEST_SLOPE = 90
"""Looks that one slope may last: 3.6 s."""

LEVEL_LOOKS = 8
"""Looks within which a slope must rise by `LEVEL_RISE`, or it has come to its top."""

LEVEL_RISE = 1.08

LEAST_RISE = 3.0
"""How much more than at the bottom the spread must be at the top: noise has less."""

MOST_STEP = 0.65
"""The largest step between two looks, as part of a slope; a cut takes one of 1."""

MOST_OFF = 0.15
"""Mean squared sine of the angle between the pictures of a slope and that at its top: 0 for the same picture paler."""

FLASH = 5
"""Looks that both slopes of a fade through white last at least if the same picture follows: lamps flash."""

SAME = 0.9
"""Correlation from which two pictures are the same."""


def fades(samples: Samples) -> Iterator[Stretch]:
    """Yield the fades through black and through white.

    Args:
        samples: the pictures of one shot, as far as cuts tell.
    """
    spread: NDArray[np.float32] = samples.std(axis=1)
    mean = samples.mean(axis=1)
    extreme = (mean < DARKEST) | (mean > BRIGHTEST)
    bottoms = {bottom for limit in EVEN for bottom in _bottoms(spread, extreme & (spread < limit))}
    for low, high in sorted(bottoms):
        found = _examined(samples, spread, low, high)
        if found is not None:
            yield found


def _bottoms(spread: NDArray[np.float32], even: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield the first and last looks of the evenest part of each run of even pictures."""
    indices = np.flatnonzero(even)
    for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1):
        if len(run):
            least = float(spread[run].min())
            bottom = run[spread[run] <= max(EVENEST * least, least + 1)]
            yield int(bottom[0]), int(bottom[-1])


def _examined(samples: Samples, spread: NDArray[np.float32], low: int, high: int) -> Stretch | None:
    """The fade whose bottom is known, or None."""
    level = np.float32(samples[low : high + 1].mean())
    left = _slope(samples[low::-1] - level, spread[low::-1], float(level))
    right = _slope(samples[high:] - level, spread[high:], float(level))
    if left is None or right is None:
        return None
    if level > BRIGHTEST and min(left[0], right[0]) < FLASH and _same(samples[low - left[0]], samples[high + right[0]]):
        return None
    return Stretch(low - left[0], (low + high) / 2, high + right[0], max(left[1], right[1]))


def _slope(apart: Samples, spread: NDArray[np.float32], level: float) -> tuple[int, float] | None:
    """Return the length of the slope up from the bottom, looks, and its doubt; None if it is none.

    Args:
        apart: the pictures from the bottom on, less its grey value.
        spread: their standard deviations.
        level: the bottom's grey value.
    """
    top = _top(spread)
    bottom, height = float(spread[0]), float(spread[top])
    far = abs(float(apart[top].mean()))
    if top < 2 or bottom > DEPTH * height or height < bottom + LEAST_RISE:
        return None
    if far < (LEAST_FROM_WHITE if level > BRIGHTEST else LEAST_FROM_BLACK):
        return None
    if float(np.diff(spread[: top + 1]).max()) > MOST_STEP * (height - bottom):
        return None
    shown = apart[: top + 1][spread[: top + 1] >= 2 * DEPTH * height]
    cosines = shown @ apart[top] / (np.linalg.norm(shown, axis=1) * np.linalg.norm(apart[top]))
    off = float(1 - (cosines**2).mean())
    return (top, off) if off <= MOST_OFF else None


def _top(spread: NDArray[np.float32]) -> int:
    """Where the slope stops rising."""
    end = min(LONGEST_SLOPE, len(spread) - 1)
    for index in range(1, end):
        ahead = spread[index : index + LEVEL_LOOKS]
        if float(ahead.max()) <= LEVEL_RISE * float(spread[index]) and spread[index] > spread[0] + LEAST_RISE:
            return index
    return end


def _same(one: Picture, other: Picture) -> bool:
    return float(np.corrcoef(one, other)[0, 1]) > SAME
