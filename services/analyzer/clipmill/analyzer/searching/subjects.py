"""The moments of a source that are about a subject, and those that are not about an excluded one."""

from collections.abc import Sequence

import numpy as np
from clipmill.analyzer.searching.quantised import Numbers
from clipmill.analyzer.searching.relevance import FOUND_CHANCE, LITERAL_CHANCE, Passage, Relevance
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import ORDER, SUBJECT, Moment, scored
from clipmill.analyzer.talk.subject import Subject
from clipmill.analyzer.talk.titles import shortened
from msgspec import Struct

EXCLUDED_CHANCE = 0.6
"""Chance from which a moment beside the likeliest one is about an excluded subject. `FOUND_CHANCE` judges the likeliest
passage of a source, and more of the others reach it. Excluding what the requests about the written talks ask for takes
0.70 of the highlights they mean and 0.13 of all other moments; with `FOUND_CHANCE`, 0.73 and 0.18."""

QUOTED_CHARACTERS = 60
"""Characters of a subject that the job's log quotes."""

HIGHEST_SCORE = 100
"""Score of the best moment that there can be."""

FURTHER_SHARE = 0.75
"""Chance of a further moment to be the answer to a request, as a share of the best one's. Of the requests about the
written talks, nearly all have one answer. With this share, 0.78 of all moments that become clips overlap it, and 14 of
168 are further ones; without it, 0.44 of all did, and more than half were further ones."""

NAMED_EVIDENCE = 0.75
"""Literal evidence from which a further moment names the subject in its own words, whatever else answers better: it has
each word of the request once and is as long as others, or up to twice as long."""


class Sought(Struct, frozen=True, kw_only=True):
    """The moments of a source, by whether they are what a job asks for.

    Attributes:
        found: Moments that qualify, the best first.
        others: Moments that do not, the best first.
    """

    found: tuple[Moment, ...]
    others: tuple[Moment, ...]


def seek(material: Material, moments: Sequence[Moment], *, searched: bool = False) -> Sought:
    """Return which of `moments` are about the subject of the job; those about the excluded one are left out.

    The one that answers the request best is first; if there is only an exclusion, the most interesting.

    Args:
        material: Material that the moments were picked from.
        moments: Moments of the source, the best first; those without words are about no subject.
        searched: True if a model has found all that qualifies, so none of `moments` does.
    """
    moments = allowed(material, moments)
    about = material.subject.about
    if searched:
        return Sought(found=(), others=tuple(moments))
    relevance = Relevance([sentence.text for sentence in material.sentences], material.language)
    spoken = [place for place, moment in enumerate(moments) if moment.quote]
    places = list(range(len(moments)))
    if about:
        passages = [Passage.of(moments[place]) for place in spoken]
        found = relevance.found(about, passages)
        kept = close_answers(found, relevance.preferences(about, passages), relevance.literal(about, passages))
        places = [spoken[place] for place in kept]
    chosen = set(places)
    return Sought(
        found=tuple(moments[place] for place in places),
        others=tuple(moment for place, moment in enumerate(moments) if place not in chosen),
    )


def close_answers(found: Sequence[int], preferences: Numbers, literal: Numbers) -> list[int]:
    """Return the best of `found`, and the others that answer the request nearly as well or name its subject.

    Args:
        found: Indices of the passages that may be about the subject, the best answer first.
        preferences: Log-odds of each passage to be the answer, up to a constant.
        literal: Literal evidence of each passage.
    """
    return [
        place
        for place in found
        if place == found[0]
        or np.exp(preferences[place] - preferences[found[0]]) >= FURTHER_SHARE
        or literal[place] >= NAMED_EVIDENCE
    ]


def allowed(material: Material, moments: Sequence[Moment]) -> Sequence[Moment]:
    """Return the moments that are not about the excluded subject: no clip may be, not even one of the reserve.

    The likeliest moment is left out if a request for the subject would find it, and others if they are likelier still.
    If the job also asks for a subject, the exclusion narrows that down, so in doubt it wins.

    Args:
        material: Material that the moments were picked from.
        moments: Moments of the source; those without words are about no subject.
    """
    exclude = material.subject.exclude
    if not exclude:
        return moments
    relevance = Relevance([sentence.text for sentence in material.sentences], material.language)
    spoken = [moment for moment in moments if moment.quote]
    chances = relevance.chances(exclude, [Passage.of(moment) for moment in spoken])
    likeliest = max(chances, default=0.0)
    bound = FOUND_CHANCE if material.subject.about else EXCLUDED_CHANCE
    unwanted = {
        one.window
        for one, chance in zip(spoken, chances, strict=True)
        if chance >= bound or FOUND_CHANCE <= chance == likeliest
    }
    return [moment for moment in moments if moment.window not in unwanted]


def unlisted(material: Material, moments: Sequence[Moment]) -> frozenset[int]:
    """Return the indices of the sentences that name the subject in its own words, and that no moment has.

    Args:
        material: Material that the moments were picked from.
        moments: Moments of the source, which leave out what is too short or says little.
    """
    listed = {index for one in moments for index in range(one.window.first, one.window.last + 1)}
    relevance = Relevance([sentence.text for sentence in material.sentences], material.language)
    alone = [Passage(index, index) for index in range(len(material.sentences)) if index not in listed]
    literal = relevance.literal(material.subject.about, alone)
    return frozenset(one.first for one, evidence in zip(alone, literal, strict=True) if evidence >= LITERAL_CHANCE)


def descending(found: Sequence[Moment], others: Sequence[Moment]) -> list[Moment]:
    """Return `found` and then `others`, with scores that fall from one to the next.

    Moments about the subject are lifted above the others, and the others lowered only where there is no room above.

    Args:
        found: Moments that qualify, in their order.
        others: Moments that do not, the best first.
    """
    moments = [*found, *others]
    scores = [moment.score for moment in moments]
    for place in reversed(range(len(found))):
        below = scores[place + 1] + 1 if place + 1 < len(scores) else 0
        scores[place] = max(scores[place], below)
    for place, score in enumerate(scores):
        highest = min(scores[place - 1] - 1 if place else HIGHEST_SCORE, HIGHEST_SCORE)
        scores[place] = max(min(score, highest), 0)
    return [
        scored(moment, score, SUBJECT if place < len(found) else ORDER)
        for place, (moment, score) in enumerate(zip(moments, scores, strict=True))
    ]


def about_found(subject: Subject, found: int) -> str:
    """Return the line for the job's log about the number of moments found; empty for an exclusion that leaves some.

    Args:
        subject: Subject of the job.
        found: Number of moments that qualify.
    """
    if subject.about:
        moments = "1 moment is" if found == 1 else f"{found} moments are"
        quoted = _quoted(subject.about)
        return f"{moments} about {quoted}." if found else f"Nothing about {quoted} was found."
    return "" if found else f"Nothing but {_quoted(subject.exclude)} was found, which is excluded."


def _quoted(text: str) -> str:
    short = shortened(text, QUOTED_CHARACTERS)
    return f'"{short}"'
