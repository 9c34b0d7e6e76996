"""Topics: where what is talked about changes, seen by the words alone, in any language."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from clipmill.analyzer.talk.terms import inverse_frequencies

BLOCK_SENTENCES = 4
"""Sentences on each side of a joint that are compared: about a passage's worth. Hearst compares blocks of paragraph
length."""

CUTOFF_DEVIATIONS = 0.5
"""A dip counts as a change of topic from the mean depth less half a deviation on, Hearst's stricter cutoff."""


def topic_changes(stems: Sequence[Sequence[str]]) -> list[float]:
    """Return for each joint between sentences how clearly the topic changes there, 0 to 1.

    TextTiling (Hearst 1997, "TextTiling: segmenting text into multi-paragraph subtopic passages") over blocks of
    sentences: the words before a joint are compared with those after it, weighted by how rare they are; a joint where
    they have less in common than around it is a dip, and its depth is measured from the peaks on both sides.

    Args:
        stems: those that carry the subject, of each sentence.

    Returns:
        one more than there are sentences: joint `i` is that before sentence `i`; the first and the last are 1.
    """
    if len(stems) < 2:
        return [1.0] * (len(stems) + 1)
    weights = inverse_frequencies(stems)
    depths = _depths([_similarity(stems, joint, weights) for joint in range(1, len(stems))])
    lowest = depths.mean() - CUTOFF_DEVIATIONS * depths.std()
    highest = depths.mean() + depths.std()
    span = max(highest - lowest, np.finfo(np.float64).eps)
    return [1.0, *np.clip((depths - lowest) / span, 0.0, 1.0).tolist(), 1.0]


def _similarity(stems: Sequence[Sequence[str]], joint: int, weights: dict[str, float]) -> float:
    """Return the cosine of the TF-IDF vectors of the blocks before and after `joint`."""
    before = Counter(one for each in stems[max(joint - BLOCK_SENTENCES, 0) : joint] for one in each)
    after = Counter(one for each in stems[joint : joint + BLOCK_SENTENCES] for one in each)
    shared = sum(count * after[one] * weights[one] ** 2 for one, count in before.items() if one in after)
    lengths = sum((count * weights[one]) ** 2 for one, count in before.items()) * sum(
        (count * weights[one]) ** 2 for one, count in after.items()
    )
    return shared / lengths**0.5 if lengths else 0.0


def _depths(similarities: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how far each similarity lies below the nearest peaks on its left and on its right, added."""
    values = np.asarray(similarities, dtype=np.float64)
    return _climbs(values) + _climbs(values[::-1])[::-1] - 2 * values


def _climbs(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the peak that is reached from each value by going left while it rises."""
    peaks = values.copy()
    for at in range(1, len(values)):
        if values[at - 1] >= values[at]:
            peaks[at] = peaks[at - 1]
    return peaks
