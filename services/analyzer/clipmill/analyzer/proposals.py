"""A model's answer, checked against what there is: nothing of it is believed."""

from collections.abc import Sequence

import msgspec
from clipmill.analyzer.planning import Material, Moment, overlap
from clipmill.analyzer.prompts import Proposal
from clipmill.analyzer.provider import Answer
from clipmill.analyzer.titles import (
    CAPTION_LIMIT,
    TITLE_LIMIT,
    clean,
    limited_hashtags,
    shortened,
    title_from,
)
from msgspec import Struct

PROBLEMS_TOLD = 12
"""The most problems that a repair request lists: the model needs the kinds, not the census."""


class Checked(Struct, frozen=True, kw_only=True):
    """What is left of an answer.

    Attributes:
        moments: usable, not overlapping, the best score first.
        problems: what is wrong with the rest, in words that the model can act on; empty if nothing is.
    """

    moments: tuple[Moment, ...]
    problems: tuple[str, ...]


class _Envelope(Struct, frozen=True):
    clips: list[msgspec.Raw]


def checked(answer: Answer, material: Material, wanted: int) -> Checked:
    """Return what of `answer` can be used.

    Sentence numbers, lengths, overlap and count are the model's to repair; texts that are too long, have too many
    hashtags or stray characters are put right here, as are scores beyond 0 to 100.

    Args:
        answer: the model's.
        material: what it was asked about.
        wanted: how many passages it was asked for.
    """
    problems: list[str] = []
    moments: list[Moment] = []
    if answer.truncated:
        problems.append("It was cut off before its end: write shorter texts.")
    for number, raw in enumerate(_clips(answer.text, problems), 1):
        try:
            moments.append(_moment(msgspec.json.decode(raw, type=Proposal), material))
        except msgspec.DecodeError as error:
            problems.append(f"Clip {number} does not follow the schema: {error}.")
        except _UnusableError as error:
            problems.append(f"Clip {number}: {error}")
    kept = _without_overlap(moments, problems)[:wanted]
    if len(kept) < wanted and not problems:
        problems.append(f"It has {len(kept)} passages, {wanted} are wanted.")
    return Checked(moments=tuple(kept), problems=tuple(problems[:PROBLEMS_TOLD]))


class _UnusableError(Exception):
    """A proposal that cannot become a clip; the message says why."""


def _clips(text: str, problems: list[str]) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(text, type=_Envelope).clips
    except msgspec.DecodeError as error:
        problems.append(f"It is not JSON of the schema: {error}.")
        return []


def _moment(proposal: Proposal, material: Material) -> Moment:
    first, last, count = proposal.first_sentence, proposal.last_sentence, len(material.sentences)
    if not (1 <= first <= count and 1 <= last <= count):
        raise _UnusableError(f"there are sentences 1 to {count}, not {first} to {last}.")
    if first > last:
        raise _UnusableError(f"sentence {first} comes after sentence {last}.")
    window = material.boundaries.fit(first - 1, last - 1)
    if window is None:
        seconds = material.sentences[last - 1].end - material.sentences[first - 1].start
        options = material.options
        raise _UnusableError(
            f"sentences {first} to {last} last {seconds:.1f} seconds, allowed are "
            f"{options.clip_min_seconds:g} to {options.clip_max_seconds:g}."
        )
    title = title_from(proposal.title)
    if not title:
        raise _UnusableError("its title is empty.")
    return Moment(
        window=window,
        title=title,
        tiktok=_caption(proposal.tiktok) or title,
        instagram=_caption(proposal.instagram) or title,
        youtube=title_from(proposal.youtube, TITLE_LIMIT) or title,
        score=max(0, min(proposal.score, 100)),
        reason=shortened(clean(proposal.reason), 500),
    )


def _caption(text: str) -> str:
    return shortened(limited_hashtags(clean(text)), CAPTION_LIMIT)


def _without_overlap(moments: Sequence[Moment], problems: list[str]) -> list[Moment]:
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda one: (-one.score, one.window.start_ms)):
        other = next((one for one in kept if overlap(one.window, moment.window)), None)
        if other is None:
            kept.append(moment)
        else:
            problems.append(
                f"The passages of sentences {moment.window.first + 1} to {moment.window.last + 1} and "
                f"{other.window.first + 1} to {other.window.last + 1} overlap."
            )
    return kept
