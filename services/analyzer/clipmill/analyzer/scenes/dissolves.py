"""Dissolves: one picture mixed into another.

An editor's dissolve is a mixture: each of its pictures is (1 - a) A + a B, with A a picture of the shot before, B one
of the shot after, and a growing from 0 to 1 (the production model of Hampapur, Jain and Weymouth, 1995). Take each
picture as a point with one coordinate per pixel: the pictures of a dissolve follow the straight line from A to B, and
the video stays near A before it and near B after it. A camera never records such a line. A moving object passes through
places where neither A nor B shows it, which leads away from the line by half of its length. A change of exposure
follows a line, but its ends differ only in brightness and contrast.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Pictures at even times: (samples, pixels), 0 to 255."""

HALVES = (4, 6, 8, 11, 16, 22, 31, 44, 52)
"""Samples from the middle of a supposed dissolve to each of its ends. Each number is at most 1.5 times the one before,
so for every dissolve of 0.2 s to 4 s there is a window that ends just outside it."""

LEAST_CHANGE = 8.0
"""Smallest difference of A and B, root mean square of grey values."""

LEAST_SPREAD = 3.0
"""Standard deviation of grey values below which a picture is even: a fade ends in one, a dissolve does not."""

MOST_ALIKE = 0.85
"""Correlation above which A and B are one picture, perhaps in another light."""

LEAST_CHANGED = 0.7
"""Share of the picture's blocks that must change: a caption, or an item that appears on a slide, changes fewer."""

BLOCK_CHANGE = 0.2
"""Smallest change of a block that counts as changed, as a share of the change of the whole picture."""

BLOCKS = 4
"""Blocks in a row, and rows of them."""

MOST_OFF = 0.2
"""Largest mean squared distance from the line, in squares of its length; a moving object has 0.25."""

NEAR_MIDDLE = 0.3
"""Largest distance between the middles of the window and of the line, as a share of the line."""

MOST_STEP = 0.5
"""Largest step along the line between two samples; a cut takes a step of 1."""

MOST_BACKWARD = 0.25
"""Largest sum of steps backward, which come from noise and movement."""

AT_END = 0.3
"""Largest distance of the video from the ends of the line before and after, as a share of the line."""

MIDDLE = (0.3, 0.7)
"""The part of the line where a mixture's contrast is lowest."""

ALIKE_WEIGHT, FINE_WEIGHT, COARSE_WEIGHT = 1.6, 0.5, 1.8
"""Weights of the cube of the correlation of A and B, of the excess contrast of details, and of that of whole pictures;
the distance from the line has the weight 1. They are rounded from a logistic regression on 198 dissolves (pans into
pans included) and 116 videos without one (pans, zooms, whips, moving heads and things, light, flashes, slides)."""

MOST_DOUBT = 0.65
"""Weighted sum above which a change is no dissolve. At this limit, 209 of 231 dissolves are found; most of the missed
ones lead to the same view or are faint. No dissolve is found between them where there is none, and one in the 116
videos without dissolves. At a limit of 0.85, 219 are found, one between them, and three in those videos."""

SETTLED = 6
"""Samples before and after a dissolve in which the video must stay near its ends."""

AVERAGED = 3
"""Samples whose mean is the picture A or B, so noise cancels out."""


Picture = NDArray[np.float32]
"""One picture: (pixels,)."""


class SampledTransition(NamedTuple):
    """A gradual transition, its places counted in samples and fractions of them.

    Attributes:
        start: Place where the change begins.
        middle: Place where one shot becomes the other.
        end: Place where the change is complete.
        doubt: Measure of how little this resembles a transition; the lower one wins where two overlap.
    """

    start: float
    middle: float
    end: float
    doubt: float


def dissolves(samples: Samples) -> Iterator[SampledTransition]:
    """Yield the possible dissolves, in no order; several of them may be the same dissolve.

    Args:
        samples: Pictures between two cuts.
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
    """Return the mean of each sample and its two neighbours."""
    padded = np.concatenate([samples[:1], samples, samples[-1:]])
    mean: Samples = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return mean


def _middles(smooth: Samples, half: int) -> Iterator[int]:
    """Yield the best middle, of each run of them, for a window of `half` samples to each side that may hold a dissolve.

    Let A, M and B be the first, middle and last picture of the window. The squared lengths of AM, MB and AB give the
    place of M along AB, and its distance from AB.
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
    """Return the indices of True, in runs without gaps."""
    indices = np.flatnonzero(chosen)
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if len(run)]


def _examined(samples: Samples, middle: int, half: int) -> SampledTransition | None:
    """Return the dissolve in a window after a closer examination, None if there is none."""
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
    rest = (end - start) / 8  # a steady change has this much before its first tenth and after its last
    return SampledTransition(start - rest, (start + end) / 2, end + rest, doubt)


def _line(samples: Samples, before: Picture, after: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each sample's place along the line from one picture to another, and its squared distance from the line."""
    line = after - before
    length = np.float32(line @ line)
    apart = samples - before
    along = np.asarray(apart @ line / length, dtype=np.float32)
    off = np.asarray(np.einsum("ij,ij->i", apart, apart) / length - along**2, dtype=np.float32)
    return along, off


def different(before: Picture, after: Picture) -> bool:
    """Return whether neither picture is even and they differ in most blocks."""
    if min(before.std(), after.std()) < LEAST_SPREAD or _alike(before, after) > MOST_ALIKE:
        return False
    change = (after - before) ** 2
    side = round(len(change) ** 0.5)
    blocks = change.reshape(BLOCKS, side // BLOCKS, BLOCKS, side // BLOCKS).mean(axis=(1, 3))
    return float((blocks >= BLOCK_CHANGE**2 * change.mean()).mean()) >= LEAST_CHANGED


def _alike(one: Picture, other: Picture) -> float:
    """Return the correlation of two pictures, 0 if one of them is even."""
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0


def _excess(before: Samples, after: Samples, mixed: Samples, along: NDArray[np.float32]) -> float:
    """Return the contrast in the middle beyond that of a mixture: 0 for a mixture, 1 for pictures as sharp as the ends.

    A half-and-half mixture of two unrelated pictures has half of their variance (Alattar, 1993), even if they move.
    """
    one, other = float(before.var(axis=1).mean()), float(after.var(axis=1).mean())
    alike = _alike(before.mean(axis=0), after.mean(axis=0))
    shared = 2 * along * (1 - along) * alike * (one * other) ** 0.5
    mixture = float(((1 - along) ** 2 * one + along**2 * other + shared).mean())
    pictures = float(((1 - along) * one + along * other).mean())
    return (float(mixed.var(axis=1).mean()) - mixture) / max(pictures / 2, 1e-6)


def _details(samples: Samples) -> Samples:
    """Return the difference of each pixel from the mean of the 3 by 3 pixels around it."""
    side = round(samples.shape[1] ** 0.5)
    pictures = samples.reshape(-1, side, side)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(padded[:, row : row + side, column : column + side] for row in range(3) for column in range(3))
    details: Samples = (pictures - around / np.float32(9)).reshape(samples.shape)
    return details


def _crossing(ramp: NDArray[np.float32], level: float) -> float:
    """Return the place, between samples, where a rising ramp passes `level`."""
    index = int(np.argmax(ramp >= level))
    if index == 0:
        return 0.0
    low, high = float(ramp[index - 1]), float(ramp[index])
    return index - 1 + (level - low) / (high - low)
