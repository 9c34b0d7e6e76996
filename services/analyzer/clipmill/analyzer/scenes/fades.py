"""Fades through black or white: a picture disappears, an even one stays for a moment or longer, another appears.

The contrast of the first picture falls while its shape stays, then the contrast of the next one rises. PySceneDetect's
threshold detector takes any dark picture for a fade. Here both slopes must be slow, and each must show one picture.
"""

from collections.abc import Iterator

import numpy as np
from clipmill.analyzer.scenes.dissolves import Picture, SampledTransition, Samples
from numpy.typing import NDArray

EVEN = (2.0, 4.0, 7.0, 14.0)
"""Standard deviations of grey values below which a picture may be the bottom of a fade. There are several, because
sampling misses the very bottom of a short fade, and a dark shot between two fades is hardly more uneven."""

EVENEST = 1.5
"""Largest spread of the pictures in the middle of a bottom, as a multiple of the least spread there."""

DARKEST, BRIGHTEST = 50.0, 205.0
"""Mean grey values below which an even picture is black, and above which it is white."""

DEPTH = 0.25
"""Largest spread of the bottom, as a share of the spread of the pictures on both sides."""

LEAST_FROM_BLACK, LEAST_FROM_WHITE = 6.0, 40.0
"""Smallest distance from the mean grey of the bottom to those on both sides: text on a dark or white slide has less."""

LONGEST_SLOPE = 90
"""Samples that one slope may last: 3.6 s."""

LEVEL_SAMPLES = 8
"""Samples within which a slope that has not reached its top rises by the factor `LEVEL_RISE`."""

LEVEL_RISE = 1.08

LEAST_RISE = 3.0
"""Smallest rise of the spread from the bottom to the top: noise rises less."""

MOST_STEP = 0.65
"""Largest step between two samples, as a share of the slope; a cut takes a step of 1."""

MOST_OFF = 0.15
"""Largest mean squared sine of the angle between the pictures of a slope and its top: 0 for one picture that pales."""

FLASH = 5
"""Samples that each slope of a fade through white lasts at least if one picture returns: shorter ones are flashes."""

SAME = 0.9
"""Correlation above which two pictures are the same."""


def fades(samples: Samples) -> Iterator[SampledTransition]:
    """Yield the fades through black and through white.

    Args:
        samples: Pictures between two cuts.
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
    """Yield the first and last sample of the evenest part of each run of even pictures."""
    indices = np.flatnonzero(even)
    for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1):
        if len(run):
            least = float(spread[run].min())
            bottom = run[spread[run] <= max(EVENEST * least, least + 1)]
            yield int(bottom[0]), int(bottom[-1])


def _examined(samples: Samples, spread: NDArray[np.float32], low: int, high: int) -> SampledTransition | None:
    """Return the fade with this bottom, None if there is none."""
    level = np.float32(samples[low : high + 1].mean())
    left = _slope(samples[low::-1] - level, spread[low::-1], float(level))
    right = _slope(samples[high:] - level, spread[high:], float(level))
    if left is None or right is None:
        return None
    if level > BRIGHTEST and min(left[0], right[0]) < FLASH and _same(samples[low - left[0]], samples[high + right[0]]):
        return None
    return SampledTransition(low - left[0], (low + high) / 2, high + right[0], max(left[1], right[1]))


def _slope(apart: Samples, spread: NDArray[np.float32], level: float) -> tuple[int, float] | None:
    """Return the length of the slope up from the bottom, in samples, and its doubt; None if there is no slope.

    Args:
        apart: Pictures from the bottom on, minus its grey value.
        spread: Standard deviations of these pictures.
        level: Grey value of the bottom.
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
    """Return the index at which the slope stops rising."""
    end = min(LONGEST_SLOPE, len(spread) - 1)
    for index in range(1, end):
        ahead = spread[index : index + LEVEL_SAMPLES]
        if float(ahead.max()) <= LEVEL_RISE * float(spread[index]) and spread[index] > spread[0] + LEAST_RISE:
            return index
    return end


def _same(one: Picture, other: Picture) -> bool:
    return float(np.corrcoef(one, other)[0, 1]) > SAME
