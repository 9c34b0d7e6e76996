"""Gradual transitions of a whole video: dissolves and fades, beside the cuts that are known already.

Pictures are looked at at even times, whatever the frame rate and however it varies: what is shown at each.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from clipmill.analyzer.scenes.detection_request import Transition
from clipmill.analyzer.scenes.dissolves import Samples, Stretch, dissolves
from clipmill.analyzer.scenes.fades import fades
from numpy.typing import NDArray

STEP = 0.04
"""Seconds between looks: a dissolve of 0.3 s is seen seven times."""

CHUNK = 6000
"""Looks examined at a time, four minutes: 6 MB."""

LONGEST_LOOK = 5.0
"""Seconds that a frame is looked at: recordings of screens stand still for minutes, broken time stamps for years."""

MARGIN = 250
"""Looks that a chunk shares with the next: more than the longest transition with what is looked at around it."""


def gradual(
    times: NDArray[np.float64], pictures: NDArray[np.uint8], cuts: Sequence[float], shortest: float
) -> tuple[Transition, ...]:
    """Return the gradual transitions, in order.

    A transition over which there is a cut is that cut's; one nearer than `shortest` to the start, the end, a cut or
    another transition that is clearer is left out.

    Args:
        times: seconds of each frame, ascending.
        pictures: the frames' thumbnails, (frames, pixels).
        cuts: times of the first frames after cuts.
        shortest: the shortest shot, seconds.
    """
    if len(times) == 0:
        return ()
    # Seconds of looking: those of the video, but for what lies beyond `LONGEST_LOOK` in a frame.
    looked = np.concatenate([[0.0], np.cumsum(np.minimum(np.diff(times), LONGEST_LOOK))])
    looks = np.arange(0.0, float(looked[-1]) + STEP, STEP)
    shown = np.maximum(np.searchsorted(looked, looks + STEP / 100, side="right") - 1, 0)
    edges = [0, *np.searchsorted(looks, np.interp(cuts, times, looked) - STEP / 100).tolist(), len(looks)]
    stretches = [stretch for start, end in pairwise(edges) for stretch in _in_shot(pictures, shown, start, end)]
    kept: list[Transition] = []
    for stretch in sorted(stretches, key=lambda each: (each.doubt, each.middle)):
        found = _timed(stretch, times, looked)
        limits = [0.0, float(times[-1]), *cuts, *(each.boundary for each in kept)]
        if all(abs(found.boundary - limit) >= shortest for limit in limits) and not _covers(found, cuts, kept):
            kept.append(found)
    return tuple(sorted(kept, key=lambda each: each.boundary))


def _in_shot(pictures: NDArray[np.uint8], shown: NDArray[np.intp], start: int, end: int) -> Iterator[Stretch]:
    for begin in range(start, end, CHUNK):
        samples: Samples = pictures[shown[begin : min(begin + CHUNK + MARGIN, end)]].astype(np.float32)
        for stretch in (*fades(samples), *dissolves(samples)):
            yield Stretch(stretch.start + begin, stretch.middle + begin, stretch.end + begin, stretch.doubt)


def _timed(stretch: Stretch, times: NDArray[np.float64], looked: NDArray[np.float64]) -> Transition:
    """The transition in seconds of the video; its boundary is the time of a frame, as a cut's is."""
    start, middle, end = (STEP * place for place in (stretch.start, stretch.middle, stretch.end))
    frame = min(int(np.searchsorted(looked, middle - STEP / 100)), len(times) - 1)
    return Transition(
        start=float(np.interp(start, looked, times)),
        end=float(np.interp(end, looked, times)),
        boundary=float(times[frame]),
    )


def _covers(found: Transition, cuts: Sequence[float], kept: Sequence[Transition]) -> bool:
    """Whether a cut lies within the transition, or it and another lie over each other."""
    return any(found.start - STEP < cut < found.end + STEP for cut in cuts) or any(
        found.start < other.end and other.start < found.end for other in kept
    )
