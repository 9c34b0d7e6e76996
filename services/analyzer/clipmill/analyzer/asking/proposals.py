"""Checks a model's proposals against the transcript, because a model may invent anything."""

import math
from collections.abc import Sequence

import msgspec
from clipmill.analyzer.asking.extraction import records_in, with_numbers
from clipmill.analyzer.asking.prompts import CLIPS, Proposal
from clipmill.analyzer.asking.provider import Answer
from clipmill.analyzer.asking.transcript_chunks import TranscriptChunk
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment
from clipmill.analyzer.talk.titles import (
    CAPTION_LIMIT,
    TITLE_LIMIT,
    clean,
    clean_hashtags,
    limited_hashtags,
    shortened,
    title_from,
)
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.swear_words import masked
from msgspec import Struct
from msgspec.structs import replace

PROBLEMS_LISTED = 12
"""Largest number of problems in a repair request: the model needs their kinds, not a complete list."""

REASON_LIMIT = 500
"""Characters kept of a reason: people read a sentence, not more."""

LENGTHENED_FROM = 2 / 3
"""Share of the shortest clip from which a passage is lengthened by the sentences after it, because a model only guesses
seconds. Shorter passages are mistakes, and a passage that is too long would lose its point with its last sentence."""

HIGHEST_SCORE = 100

UNSCORED = 50.0
"""Score of a passage without a readable one: in the middle, where the order of the answer decides."""

_MAY_LACK = {"tiktok": "", "instagram": "", "youtube": "", "reason": "", "score": UNSCORED}
"""Fields that a passage may lack, with their defaults; its title replaces a missing text."""


class Checked(Struct, frozen=True, kw_only=True):
    """The usable moments of an answer, and its problems.

    Attributes:
        moments: Usable moments without overlap, the best score first.
        problems: Descriptions of the other proposals' problems, for the model to act on; empty if there are none.
    """

    moments: tuple[Moment, ...]
    problems: tuple[str, ...]


def checked(
    answer: Answer, material: Material, wanted: int, chunk: TranscriptChunk | None = None, *, fewer: bool = False
) -> Checked:
    """Return the usable moments of `answer`, and its problems.

    The model must repair sentence numbers, lengths, overlap and count. This function corrects the rest: texts that are
    too long, have too many hashtags or stray characters, scores outside 0 to 100 or on a scale to 1 or 10, and passages
    that are a little too short.

    Args:
        answer: Answer of the model.
        material: Material that the model was asked about.
        wanted: Number of passages that the model was asked for; more are kept, for the reserve.
        chunk: Chunk that the model was shown, None for all sentences.
        fewer: True to accept fewer passages, even none, because a chunk may have nothing to offer.
    """
    chunk = chunk or TranscriptChunk(first=0, last=len(material.sentences) - 1)
    problems: list[str] = []
    moments: list[Moment] = []
    if answer.truncated:
        problems.append("It was cut off before its end: write shorter texts.")
    records = records_in(answer.text, CLIPS, "first_sentence")
    if records is None:
        problems.append(f"It is not JSON of the schema, an object with the list {CLIPS}.")
    scores: list[float] = []
    for number, record in enumerate(records or [], 1):
        try:
            proposal = msgspec.convert({**_MAY_LACK, **with_numbers(record)}, Proposal, strict=False)
            moments.append(_moment(proposal, material, chunk))
            scores.append(proposal.score)
        except (msgspec.ValidationError, OverflowError) as error:
            problems.append(f"Clip {number} does not follow the schema: {error}.")
        except _UnusableError as error:
            problems.append(f"Clip {number}: {error}")
    scored = [replace(moment, score=score) for moment, score in zip(moments, whole_scores(scores), strict=True)]
    kept = _without_overlap(scored, chunk, problems)
    if len(kept) < wanted and not problems and not fewer:
        problems.append(f"It has {len(kept)} passages, {wanted} are wanted.")
    return Checked(moments=tuple(kept), problems=tuple(problems[:PROBLEMS_LISTED]))


def whole_scores(scores: Sequence[float]) -> list[int]:
    """Return a model's scores as whole numbers from 0 to 100, even if its scale ended at 1 or at 10."""
    known = [UNSCORED if math.isnan(score) else score for score in scores]
    highest = max(known, default=0.0)
    scale = next((HIGHEST_SCORE / end for end in (1, 10) if 0 < highest <= end), 1)
    return [round(max(0.0, min(score * scale, HIGHEST_SCORE))) for score in known]


class _UnusableError(Exception):
    """An error for a proposal that cannot become a clip; the message gives the reason."""


def _moment(proposal: Proposal, material: Material, chunk: TranscriptChunk) -> Moment:
    first, last = proposal.first_sentence, proposal.last_sentence
    if not (1 <= first <= chunk.count and 1 <= last <= chunk.count):
        raise _UnusableError(f"there are sentences 1 to {chunk.count}, not {first} to {last}.")
    if first > last:
        raise _UnusableError(f"sentence {first} comes after sentence {last}.")
    window = _fitted(chunk.first + first - 1, chunk.first + last - 1, material, chunk)
    if window is None:
        start, end = material.sentences[chunk.first + first - 1].start, material.sentences[chunk.first + last - 1].end
        options = material.options
        raise _UnusableError(
            f"sentences {first} to {last} last {end - start:.1f} seconds, allowed are "
            f"{options.clip_min_seconds:g} to {options.clip_max_seconds:g}."
        )
    language = material.language
    title = masked(title_from(proposal.title), language)
    if not title:
        raise _UnusableError("its title is empty.")
    return Moment(
        window=window,
        title=title,
        tiktok=_caption(proposal.tiktok, language) or _caption(title, language),
        instagram=_caption(proposal.instagram, language) or _caption(title, language),
        youtube=masked(title_from(proposal.youtube, TITLE_LIMIT), language) or title,
        score=0,  # set once all scores are known
        reason=shortened(clean(proposal.reason), REASON_LIMIT),
    )


def _fitted(first: int, last: int, material: Material, chunk: TranscriptChunk) -> Window | None:
    """Return the window of these sentences, with a few more if it is a little short; None if no length fits."""
    window = material.boundaries.fit(first, last)
    start, shortest = material.sentences[first].start, material.lengths.shortest_ms / 1000
    if material.sentences[last].end - start < shortest * LENGTHENED_FROM:
        return window
    while window is None and last < chunk.last and material.sentences[last].end - start < shortest:
        last += 1
        window = material.boundaries.fit(first, last)
    return window


def _caption(text: str, language: str) -> str:
    return masked(shortened(limited_hashtags(clean_hashtags(clean(text), language)), CAPTION_LIMIT), language)


def _without_overlap(moments: Sequence[Moment], chunk: TranscriptChunk, problems: list[str]) -> list[Moment]:
    """Return the moments that overlap no better one, the best first, equal ones in the order of the answer."""
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda one: -one.score):
        other = next((one for one in kept if one.window.overlaps(moment.window)), None)
        if other is None:
            kept.append(moment)
        else:
            problems.append(f"The passages of {_named(moment, chunk)} and {_named(other, chunk)} overlap.")
    return kept


def _named(moment: Moment, chunk: TranscriptChunk) -> str:
    """Return the sentences of a moment by the numbers that the model was shown."""
    return f"sentences {moment.window.first - chunk.first + 1} to {moment.window.last - chunk.first + 1}"
