"""The surroundings of a window, which decide among copies of one passage, whose words are equal."""

from collections.abc import Sequence

from clipmill.analyzer.picking.evidence import Evidence
from clipmill.analyzer.talk.windows import Window

CONTEXT_SENTENCES = 3
"""Number of sentences on each side that count as the surroundings of a window."""

CONTEXT = 3.0
"""Weight of surroundings that speak about the same subject: a passage that shares a third of its terms with them wins
over a copy between the clearest boundaries."""

TEASER = 1.0
"""Weight against a copy that opens the source: it is a teaser, cut out of the place where the passage belongs. It is as
much as clear boundaries on both sides add up to."""


def surroundings(evidence: Evidence, window: Window) -> float:
    """Return the quality of a window apart from its words: its context, and its boundaries with their cuts and pauses.

    Args:
        evidence: Evidence about the talk.
        window: Window of the talk.
    """
    edges = (evidence.boundaries[window.first].strength + evidence.boundaries[window.last + 1].strength) / 2
    return CONTEXT * _context(evidence, window) + edges - TEASER * (window.first < CONTEXT_SENTENCES)


def _context(evidence: Evidence, window: Window) -> float:
    """Return how much the sentences on both sides share with the window, 0 to 1; a side without sentences counts 0."""
    inside = _stems(evidence, range(window.first, window.last + 1))
    before = range(max(window.first - CONTEXT_SENTENCES, 0), window.first)
    after = range(window.last + 1, min(window.last + 1 + CONTEXT_SENTENCES, len(evidence.sentences)))
    return sum(_shared(evidence, _stems(evidence, side), inside) for side in (before, after)) / 2


def _stems(evidence: Evidence, sentences: Sequence[int]) -> set[str]:
    return {one for index in sentences for one in evidence.features[index].stems}


def _shared(evidence: Evidence, stems: set[str], inside: set[str]) -> float:
    total = sum(evidence.weights[one] for one in sorted(stems))
    return sum(evidence.weights[one] for one in sorted(stems & inside)) / total if total else 0.0
