"""Dissolves: one picture mixed into another.

An editor's dissolve is a mixture: each of its pictures is (1 - a) A + a B of a picture A of the shot before and B of
the shot after, with a growing from 0 to 1 (the production model of Hampapur, Jain and Weymouth, 1995). Seen as points
with a coordinate for each pixel, its pictures lie on the straight line from A to B, in order, and the video stays near
the two ends before and after. Nothing that a camera sees does that: what moves passes through places where neither A
nor B shows it, which leads away from the line by half of its length; a change of exposure leads along a line, but to a
picture that is the same up to brightness and contrast.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Pictures at even times: (looks, pixels), 0 to 255."""

HALVES = (4, 6, 8, 11, 16, 22, 31, 44, 52)
"""Looks from the middle of a supposed dissolve to both of its ends: each at most half as long again as the one before,
so that some window ends just outside of any dissolve of 0.2 s to 4 s."""

LEAST_CHANGE = 8.0
"""How far A and B are apart at least, root mean square of grey values."""

LEAST_SPREAD = 3.0
"""Standard deviation of grey values below which a picture is even: that is a fade's end, not a dissolve's."""

MOST_ALIKE = 0.85
"""Correlation above which A and B are the same picture, its light changed perhaps."""

LEAST_CHANGED = 0.7
"""Share of the picture's blocks that must change: what appears on a slide, or a caption, changes a part of it."""

BLOCK_CHANGE = 0.2
"""How much a block must change, as part of the change of all."""

BLOCKS = 4
"""Blocks in a row, and rows of them."""

MOST_OFF = 0.2
"""Mean squared distance from the line, in squares of its length; what moves has 0.25."""

NEAR_MIDDLE = 0.3
"""How far from the line's middle the window's middle may be, in its length."""

MOST_STEP = 0.5
"""The largest step along the line between two looks; a cut takes one of 1."""

MOST_BACKWARD = 0.25
"""Steps backward in all, noise and movement."""

AT_END = 0.3
"""How near the ends of the line the video stays before and after, in its length."""

MIDDLE = (0.3, 0.7)
"""The part of the line where a mixture's contrast is lowest."""

ALIKE_WEIGHT, FINE_WEIGHT, COARSE_WEIGHT = 1.6, 0.5, 1.8
"""What the cube of A's and B's correlation, and what excess contrast of details and of all of the picture count for,
against one of distance from the line: rounded from a logistic regression on 198 dissolves, pans into pans included, and
116 videos without any (pans, zooms, whips, moving heads and things, light, flashes, slides)."""

MOST_DOUBT = 0.65
"""The sum above which it is no dissolve. There, 209 of 231 dissolves were found (most of the others lead to the very
same view or are as faint), nothing between them, and one in those 116 videos; at 0.85, 219, one between them, three."""

SETTLED = 6
"""Looks before and after that are looked at for whether the video stays."""

AVERAGED = 3
"""Looks whose mean is a picture A or B: noise is not part of it."""


Picture = NDArray[np.float32]
"""One of them: (pixels,)."""


class Stretch(NamedTuple):
    """A gradual transition among samples, in looks (not whole ones).

    Attributes:
        start: where the change begins.
        middle: where one shot becomes the other.
        end: where it is complete.
        doubt: how little it looks like one, for the choice between two at the same place.
    """

    start: float
    middle: float
    end: float
    doubt: float


def dissolves(samples: Samples) -> Iterator[Stretch]:
    """Yield what may be dissolves, in no order; several may be the same one.

    Args:
        samples: the pictures of one shot, as far as cuts tell.
    """
    if len(samples) <= 2 * HALVES[0]:
        return
    smooth = _smooth(samples)
    for half in HALVES:
        if len(samples) <= 2 * half:
            return
        for middle in _middles(smooth, half):
            found = _examined(samples, middle, half)
            if found is not None:
                yield found


def _smooth(samples: Samples) -> Samples:
    """The mean of each look and its two neighbours."""
    padded = np.concatenate([samples[:1], samples, samples[-1:]])
    mean: Samples = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return mean


def _middles(smooth: Samples, half: int) -> Iterator[int]:
    """Yield the looks around which a window of `half` looks to each side may be a dissolve's, the best of each run.

    With A, M and B the window's first, middle and last picture, the squared lengths of AM, MB and AB tell where M lies
    along AB and how far off it.
    """
    first, middle, last = smooth[: -2 * half], smooth[half:-half], smooth[2 * half :]
    whole = np.maximum(_squared(last - first), 1e-6)
    before, after = _squared(middle - first), _squared(last - middle)
    along = (before + whole - after) / (2 * whole)
    off = before / whole - along**2
    likely = (whole >= LEAST_CHANGE**2) & (np.abs(along - 0.5) <= NEAR_MIDDLE) & (off <= MOST_OFF)
    doubt = off + (along - 0.5) ** 2
    for run in _runs(likely):
        yield int(run[np.argmin(doubt[run])]) + half


def _squared(difference: Samples) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.einsum("ij,ij->i", difference, difference) / difference.shape[1]
    return mean


def _runs(chosen: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The indices of True, in runs without gaps."""
    indices = np.flatnonzero(chosen)
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if len(run)]


def _examined(samples: Samples, middle: int, half: int) -> Stretch | None:
    """The dissolve in a window, looked at closely, or None."""
    low, high = middle - half, middle + half
    before, after = samples[max(0, low - AVERAGED + 1) : low + 1], samples[high : high + AVERAGED]
    if not different(before.mean(axis=0), after.mean(axis=0)):
        return None
    begin, stop = max(0, low - SETTLED), min(len(samples), high + SETTLED + 1)
    along, off = _line(samples[begin:stop], before.mean(axis=0), after.mean(axis=0))
    inside = slice(low - begin, high - begin + 1)
    ramp, steps = along[inside], np.diff(along[inside])
    if steps.max() > MOST_STEP or -steps[steps < 0].sum() > MOST_BACKWARD:
        return None
    if np.abs(along[: low - begin + 1]).mean() > AT_END or np.abs(along[high - begin :] - 1).mean() > AT_END:
        return None
    mixed = (ramp > MIDDLE[0]) & (ramp < MIDDLE[1])
    between = (ramp > 0.1) & (ramp < 0.9)
    if not mixed.any() or between.sum() < 2:
        return None
    window = samples[low : high + 1][mixed]
    doubt = float(off[inside][between].mean()) ** 0.5
    doubt += ALIKE_WEIGHT * max(0.0, _alike(before.mean(axis=0), after.mean(axis=0))) ** 3
    doubt += COARSE_WEIGHT * abs(_excess(before, after, window, ramp[mixed]))
    doubt += FINE_WEIGHT * abs(_excess(_details(before), _details(after), _details(window), ramp[mixed]))
    if doubt > MOST_DOUBT:
        return None
    start, end = low + _crossing(ramp, 0.1), low + _crossing(ramp, 0.9)
    rest = (end - start) / 8  # what lies beyond a tenth at both ends, were the change even
    return Stretch(start - rest, (start + end) / 2, end + rest, doubt)


def _line(samples: Samples, before: Picture, after: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far along the line from one picture to another each sample lies, and its squared distance from it."""
    line = after - before
    length = np.float32(line @ line)
    apart = samples - before
    along = np.asarray(apart @ line / length, dtype=np.float32)
    off = np.asarray(np.einsum("ij,ij->i", apart, apart) / length - along**2, dtype=np.float32)
    return along, off


def different(before: Picture, after: Picture) -> bool:
    """Whether these are pictures of different things, both of something, all over."""
    if min(before.std(), after.std()) < LEAST_SPREAD or _alike(before, after) > MOST_ALIKE:
        return False
    change = (after - before) ** 2
    side = round(len(change) ** 0.5)
    blocks = change.reshape(BLOCKS, side // BLOCKS, BLOCKS, side // BLOCKS).mean(axis=(1, 3))
    return float((blocks >= BLOCK_CHANGE**2 * change.mean()).mean()) >= LEAST_CHANGED


def _alike(one: Picture, other: Picture) -> float:
    """The correlation of two pictures, 0 where one of them is even."""
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0


def _excess(before: Samples, after: Samples, mixed: Samples, along: NDArray[np.float32]) -> float:
    """How much contrast is left in the middle that a mixture does not have: 0 for a mixture, 1 for pictures.

    Two pictures that have nothing in common have half of their variance when they are mixed half and half (Alattar,
    1993); it does not matter to this whether they move.
    """
    one, other = float(before.var(axis=1).mean()), float(after.var(axis=1).mean())
    alike = _alike(before.mean(axis=0), after.mean(axis=0))
    shared = 2 * along * (1 - along) * alike * (one * other) ** 0.5
    mixture = float(((1 - along) ** 2 * one + along**2 * other + shared).mean())
    pictures = float(((1 - along) * one + along * other).mean())
    return (float(mixed.var(axis=1).mean()) - mixture) / max(pictures / 2, 1e-6)


def _details(samples: Samples) -> Samples:
    """What of each picture differs from the mean of its surroundings, 3 by 3."""
    side = round(samples.shape[1] ** 0.5)
    pictures = samples.reshape(-1, side, side)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(padded[:, row : row + side, column : column + side] for row in range(3) for column in range(3))
    details: Samples = (pictures - around / np.float32(9)).reshape(samples.shape)
    return details


def _crossing(ramp: NDArray[np.float32], level: float) -> float:
    """Where a rising ramp passes `level`, between looks."""
    index = int(np.argmax(ramp >= level))
    if index == 0:
        return 0.0
    low, high = float(ramp[index - 1]), float(ramp[index])
    return index - 1 + (level - low) / (high - low)
