"""Topics: the places where the subject changes, found by the words alone, in any language."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from clipmill.analyzer.talk.terms import inverse_frequencies

BLOCK_SENTENCES = 4
"""Sentences compared on each side of a boundary: about a passage. Hearst compares blocks as long as a paragraph."""

CUTOFF_DEVIATIONS = 0.5
"""Deviations below the mean depth from which a dip counts as a change of topic: Hearst's stricter cutoff."""


def topic_changes(stems: Sequence[Sequence[str]]) -> list[float]:
    """Return how clearly the topic changes at each boundary between sentences, 0 to 1.

    This is TextTiling over blocks of sentences (Hearst 1997, "TextTiling: segmenting text into multi-paragraph subtopic
    passages"). It compares the words before a boundary with those after it, and rare words weigh more. A boundary whose
    sides have less in common than those of its neighbours is a dip; its depth counts from the peaks on both sides.

    Args:
        stems: Stems of each sentence that carry its subject.

    Returns:
        One number more than there are sentences: number `i` is for the boundary before sentence `i`, and the first and
        the last are 1.
    """
    if len(stems) < 2:
        return [1.0] * (len(stems) + 1)
    weights = inverse_frequencies(stems)
    depths = _depths([_similarity(stems, boundary, weights) for boundary in range(1, len(stems))])
    lowest = depths.mean() - CUTOFF_DEVIATIONS * depths.std()
    highest = depths.mean() + depths.std()
    span = max(highest - lowest, np.finfo(np.float64).eps)
    return [1.0, *np.clip((depths - lowest) / span, 0.0, 1.0).tolist(), 1.0]


def _similarity(stems: Sequence[Sequence[str]], boundary: int, weights: dict[str, float]) -> float:
    """Return the cosine of the TF-IDF vectors of the blocks before and after `boundary`."""
    before = Counter(one for each in stems[max(boundary - BLOCK_SENTENCES, 0) : boundary] for one in each)
    after = Counter(one for each in stems[boundary : boundary + BLOCK_SENTENCES] for one in each)
    shared = sum(count * after[one] * weights[one] ** 2 for one, count in before.items() if one in after)
    lengths = sum((count * weights[one]) ** 2 for one, count in before.items()) * sum(
        (count * weights[one]) ** 2 for one, count in after.items()
    )
    return shared / lengths**0.5 if lengths else 0.0


def _depths(similarities: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the depth of each similarity below the nearest peaks on its left and on its right, added."""
    values = np.asarray(similarities, dtype=np.float64)
    return _climbs(values) + _climbs(values[::-1])[::-1] - 2 * values


def _climbs(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the peak to the left of each value, as far as the values rise towards it."""
    peaks = values.copy()
    for at in range(1, len(values)):
        if values[at - 1] >= values[at]:
            peaks[at] = peaks[at - 1]
    return peaks
