"""Ranks the proposals for all chunks of a transcript, and spreads the scores of a job."""

import math
from collections.abc import Sequence

import msgspec
from clipmill.analyzer.asking.extraction import records_in, with_numbers
from clipmill.analyzer.asking.prompts import SCORES, Rank
from clipmill.analyzer.asking.proposals import HIGHEST_SCORE, whole_scores
from clipmill.analyzer.asking.provider import Answer
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment, scored
from clipmill.analyzer.talk.titles import shortened
from clipmill.contracts.options import CLIPS_LIMIT
from msgspec.structs import replace

SURPLUS = 2
"""Size of a shortlist, as a multiple of the wanted passages: half of the wanted ones may be in one chunk."""

QUOTED_CHARACTERS = 60
"""Characters that a shortlist quotes of the first and the last sentence of a passage: its opening and its end."""

SPREAD = 5
"""Distance that two scores of a job should have. Models crowd their scores near the top, where nobody can tell 93 from
92. Fifteen clips, the most of a job, fit between 100 and 30, and the thirty of a reserve below."""


def proposals_each(wanted: int, chunks: int) -> int:
    """Return the number of passages to ask for in each of `chunks` chunks, for `wanted` clips."""
    return wanted if chunks == 1 else min(wanted, math.ceil(wanted * SURPLUS / chunks))


def shortlist(moments: Sequence[Moment]) -> list[Moment]:
    """Return the moments of all chunks that overlap no better one, the best first by the scores of their chunks.

    Chunks overlap, so a passage may have been proposed twice.
    """
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda one: (-one.score, one.window.start_ms)):
        if not any(moment.window.overlaps(other.window) for other in kept):
            kept.append(moment)
    return kept


def described(moment: Moment, material: Material) -> str:
    """Return the description of a moment in a shortlist, one line."""
    ends = dict.fromkeys((moment.window.first, moment.window.last))
    texts = [" ".join(material.sentences[index].text.split()) for index in ends]
    quoted = " … ".join(shortened(text, QUOTED_CHARACTERS) for text in texts)
    return f"({round(moment.window.length_ms / 1000)} s) {moment.title}: {quoted}"


def ranked(answer: Answer, moments: Sequence[Moment]) -> list[Moment] | None:
    """Return the moments of a shortlist with the scores that the model gave them, the best first.

    Moments without a score follow in their old order. If the model scored fewer than half of the moments, that is no
    ranking, and the result is None.

    Args:
        answer: Answer of the model.
        moments: Moments of the shortlist, in the order in which the model saw them.
    """
    scores: dict[int, float] = {}
    for record in records_in(answer.text, SCORES, "passage") or []:
        try:
            rank = msgspec.convert(with_numbers(record), Rank, strict=False)
        except (msgspec.ValidationError, OverflowError):
            continue
        if 1 <= rank.passage <= len(moments):
            scores.setdefault(rank.passage - 1, rank.score)
    if len(scores) * 2 < len(moments):
        return None
    whole = dict(zip(scores, whole_scores(list(scores.values())), strict=True))
    lowest = min(whole.values())
    order = sorted(range(len(moments)), key=lambda index: (index not in whole, -whole.get(index, 0), index))
    return [replace(moments[index], score=whole.get(index, min(lowest, moments[index].score))) for index in order]


def calibrated(moments: Sequence[Moment]) -> list[Moment]:
    """Return the moments of a source, the best first, with scores that fall from one to the next.

    A score that is far enough below the one before stays, and others fall by `SPREAD`. Where the scores come near 0,
    and in the reserve, they are closer, but all are different. The result does not depend on how many of the moments
    become clips, and equal input always gives equal results.
    """
    ordered = sorted(moments, key=lambda one: -one.score)
    spread: list[Moment] = []
    for place, moment in enumerate(ordered):
        least = len(ordered) - 1 - place  # room for those below
        if not spread:
            score = min(moment.score, HIGHEST_SCORE)
        else:
            above = spread[-1].score
            score = min(moment.score, max(above - (SPREAD if place < CLIPS_LIMIT else 1), least), above - 1)
        spread.append(scored(moment, max(score, least)))
    return spread
