"""Gradual transitions of a whole video: the dissolves and fades between the known cuts.

The search samples the video at even times, whatever its frame rate: a sample is the picture shown at its time.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from clipmill.analyzer.scenes.detection_request import Transition
from clipmill.analyzer.scenes.dissolves import SampledTransition, Samples, dissolves
from clipmill.analyzer.scenes.fades import fades
from numpy.typing import NDArray

STEP = 0.04
"""Seconds between samples: a dissolve of 0.3 s spans seven of them."""

SAMPLES_AT_ONCE = 6000
"""Samples examined at a time: four minutes, 6 MB."""

LONGEST_FRAME = 5.0
"""Seconds for which a frame is sampled at most: screen recordings stand still for minutes, and broken time stamps for
years."""

MARGIN = 250
"""Samples that a batch shares with the next one: more than the longest transition needs, its surroundings included."""


def gradual(
    times: NDArray[np.float64], pictures: NDArray[np.uint8], cuts: Sequence[float], shortest: float
) -> tuple[Transition, ...]:
    """Return the gradual transitions, in order.

    A transition that contains a cut is left out, because the cut already stands for it. One that is nearer than
    `shortest` to the start, the end, a cut or a clearer transition is left out too.

    Args:
        times: Time of each frame, in seconds, ascending.
        pictures: Thumbnails of the frames, (frames, pixels).
        cuts: Times of the first frames after cuts, in seconds.
        shortest: Length of the shortest shot, in seconds.
    """
    if len(times) == 0:
        return ()
    # The clock of the samples: the time of the video, except that no frame lasts longer than `LONGEST_FRAME`.
    clock = np.concatenate([[0.0], np.cumsum(np.minimum(np.diff(times), LONGEST_FRAME))])
    samples = np.arange(0.0, float(clock[-1]) + STEP, STEP)
    shown = np.maximum(np.searchsorted(clock, samples + STEP / 100, side="right") - 1, 0)
    edges = [0, *np.searchsorted(samples, np.interp(cuts, times, clock) - STEP / 100).tolist(), len(samples)]
    sampled = [change for start, end in pairwise(edges) for change in _in_shot(pictures, shown, start, end)]
    kept: list[Transition] = []
    for change in sorted(sampled, key=lambda each: (each.doubt, each.middle)):
        found = _timed(change, times, clock)
        limits = [0.0, float(times[-1]), *cuts, *(each.boundary for each in kept)]
        if all(abs(found.boundary - limit) >= shortest for limit in limits) and not _covers(found, cuts, kept):
            kept.append(found)
    return tuple(sorted(kept, key=lambda each: each.boundary))


def _in_shot(pictures: NDArray[np.uint8], shown: NDArray[np.intp], start: int, end: int) -> Iterator[SampledTransition]:
    for begin in range(start, end, SAMPLES_AT_ONCE):
        samples: Samples = pictures[shown[begin : min(begin + SAMPLES_AT_ONCE + MARGIN, end)]].astype(np.float32)
        for change in (*fades(samples), *dissolves(samples)):
            yield SampledTransition(change.start + begin, change.middle + begin, change.end + begin, change.doubt)


def _timed(change: SampledTransition, times: NDArray[np.float64], clock: NDArray[np.float64]) -> Transition:
    """Return the transition in seconds of the video; its boundary is the time of a frame, like that of a cut."""
    start, middle, end = (STEP * place for place in (change.start, change.middle, change.end))
    frame = min(int(np.searchsorted(clock, middle - STEP / 100)), len(times) - 1)
    return Transition(
        start=float(np.interp(start, clock, times)),
        end=float(np.interp(end, clock, times)),
        boundary=float(times[frame]),
    )


def _covers(found: Transition, cuts: Sequence[float], kept: Sequence[Transition]) -> bool:
    """Return whether the transition contains a cut or overlaps a transition that was kept."""
    return any(found.start - STEP < cut < found.end + STEP for cut in cuts) or any(
        found.start < other.end and other.start < found.end for other in kept
    )
