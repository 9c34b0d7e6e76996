"""Picks moments locally: by the words where somebody speaks, elsewhere by sound and shots."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from clipmill.analyzer.picking.evidence import evidence_for
from clipmill.analyzer.picking.local_picker import LocalPicker
from clipmill.analyzer.picking.naming import Naming
from clipmill.analyzer.picking.reasons import reason_of
from clipmill.analyzer.picking.score_parts import contributions, score_parts
from clipmill.analyzer.picking.selection import GOOD_DEVIATIONS
from clipmill.analyzer.picking.wordless import Wordless
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment, scored
from clipmill.analyzer.talk.windows import Window, milliseconds
from clipmill.contracts.options import JOB_CLIPS_LIMIT

MIDDLE_SCORE = 50
"""Score of a window whose value is the mean of its talk."""

SCORE_PER_DEVIATION = 14
"""Points by which a local score rises near the middle for each standard deviation of a window's value. Further out it
rises less and less: the best windows of real talks are two to eight deviations above the mean."""

HIGHEST_LOCAL_SCORE = 98

WORDLESS_SCORE = 30
"""Score of a clip without speech that is like the rest of its source: lower, because speech says more."""

WORDLESS_SCORE_PER_VALUE = 15
WORDLESS_SCORE_LIMIT = 60

_REACH = HIGHEST_LOCAL_SCORE - MIDDLE_SCORE


def score_of(deviations: float) -> float:
    """Return the score of a window, 2 to 98, from its value in standard deviations above the mean of its talk."""
    return MIDDLE_SCORE + _REACH * math.tanh(SCORE_PER_DEVIATION * deviations / _REACH)


def deviations_of(score: float) -> float:
    """Return the value of a window with `score`, in standard deviations above the mean, -3.4 to 3.4."""
    share = (score - MIDDLE_SCORE) / _REACH
    most = math.tanh(1.0)
    return _REACH / SCORE_PER_DEVIATION * math.atanh(min(max(share, -most), most))


GOOD_SCORE = round(score_of(GOOD_DEVIATIONS))
"""Score from which a moment is good, the bar of a plan that leaves the number of clips open."""

WORDLESS_GOOD_SCORE = WORDLESS_SCORE + WORDLESS_SCORE_PER_VALUE
"""Bar of a source in which nobody speaks: clearly loud throughout, or as much of other evidence."""


def pick_locally(material: Material, taken: Sequence[Moment] = ()) -> list[Moment]:
    """Return the ranked list of moments that are picked without asking a model, the best first.

    They neither overlap nor repeat each other, and the list does not depend on how many clips the job asks for. It has
    at least one moment if `taken` is empty, and `JOB_CLIPS_LIMIT` together with `taken` at most.

    Args:
        material: Material to pick from.
        taken: Moments that the plan already has; the new ones neither overlap nor repeat them and score lower.
    """
    if material.too_short:
        return [] if taken else [_whole(material)]
    busy = [moment.window for moment in taken]
    moments = _spoken(material, busy)
    moments += _wordless(material, [*busy, *(moment.window for moment in moments)])
    if not moments and not taken:
        # The speech has no gap, and no run of its words has an allowed length. The wanted length decides.
        moments = _wordless(material, busy, over_speech=True)
    most = max(JOB_CLIPS_LIMIT - len(taken), 0)
    return _graded(moments, min((moment.score for moment in taken), default=101))[:most]


def pick_around(material: Material, sentences: Collection[int]) -> list[Moment]:
    """Return the best moments that have at least one of `sentences`, without overlap; none if nothing is said.

    Args:
        material: Material to pick from.
        sentences: Indices of sentences.
    """
    return [] if material.too_short else _graded(_spoken(material, (), sentences), ceiling=101)


def _graded(moments: Sequence[Moment], ceiling: int) -> list[Moment]:
    """Return the best of `moments` with scores below `ceiling`, all of them different if there is room above 0."""
    best = sorted(moments, key=lambda moment: -moment.score)[:JOB_CLIPS_LIMIT]  # equal ones stay as they are ranked
    graded: list[Moment] = []
    for place, moment in enumerate(best):
        below = len(best) - 1 - place
        score = max(min(max(moment.score, below), ceiling - 1), 0)
        graded.append(scored(moment, score))
        ceiling = score
    return graded


def _spoken(material: Material, busy: Sequence[Window], around: Collection[int] | None = None) -> list[Moment]:
    """Return moments where somebody speaks, only those with a sentence of `around` unless it is None."""
    windows = material.windows
    if not windows:
        return []
    picker = LocalPicker(evidence_for(material))
    values = picker.valued(windows)
    if around is None:
        chosen = picker.ranked(windows, values, busy)
    else:
        near = [at for at, window in enumerate(windows) if any(window.first <= one <= window.last for one in around)]
        placed = picker.ranked([windows[at] for at in near], [values[at] for at in near], busy)
        chosen = [near[place] for place in placed]
    mean, deviation = float(np.mean(values)), float(np.std(values)) or 1.0
    added = contributions(picker, [windows[index] for index in chosen])
    naming = Naming(material, picker.interest)
    moments: list[Moment] = []
    for index, contribution in zip(chosen, added, strict=True):
        window = windows[index]
        quote = "" if material.guessed else material.sentences[picker.strongest(window)].text
        texts = naming.spoken(window)
        above = (values[index] - mean) / deviation
        score = round(score_of(above))
        points = (score_of(above) - MIDDLE_SCORE) / above if above else SCORE_PER_DEVIATION
        moment = Moment(
            window=window,
            title=texts.title,
            tiktok=texts.tiktok,
            instagram=texts.instagram,
            youtube=texts.title,
            score=score,
            reason=reason_of(
                picker.evidence, window, moving=_leads("audience", contribution), guessed=material.guessed
            ),
            quote=quote,
            parts=score_parts(score, {name: points * value / deviation for name, value in contribution.items()}),
        )
        # Windows that are not complete come last, whatever they are worth.
        highest = moments[-1].score if moments else HIGHEST_LOCAL_SCORE
        moments.append(scored(moment, max(0, min(score, highest))))
    return moments


def _leads(name: str, contribution: Mapping[str, float]) -> bool:
    """Return whether one kind of evidence adds more to a value than any other."""
    return contribution[name] > 0 and contribution[name] == max(contribution.values())


def _wordless(material: Material, busy: Sequence[Window], *, over_speech: bool = False) -> list[Moment]:
    """Return moments where nobody speaks, chosen by sound and shots."""
    speech = [] if over_speech else [(milliseconds(word.start), milliseconds(word.end)) for word in material.heard]
    blocked = sorted([*speech, *((window.start_ms, window.end_ms) for window in busy)])
    free = _gaps(blocked, material.duration_ms, material.lengths.shortest_ms)
    cuts = [milliseconds(cut) for cut in material.cuts]
    picker = Wordless(
        material.levels, cuts, material.duration_ms, material.reactions, material.replays, unknown=material.unknown
    )
    segments = picker.ranked(free, material.lengths)
    naming = Naming(material)
    moments: list[Moment] = []
    for segment in segments:
        score = round(WORDLESS_SCORE + WORDLESS_SCORE_PER_VALUE * segment.value)
        points = {name: WORDLESS_SCORE_PER_VALUE * value for name, value in segment.parts.items()}
        texts = naming.wordless(segment.window)
        moment = Moment(
            window=segment.window,
            title=texts.title,
            tiktok=texts.tiktok,
            instagram=texts.instagram,
            youtube=texts.title,
            score=score,
            reason=segment.reason,
            parts=score_parts(score, points),
        )
        moments.append(scored(moment, max(0, min(score, WORDLESS_SCORE_LIMIT))))
    return moments


def _whole(material: Material) -> Moment:
    """Return the whole material as one moment, because it is shorter than a clip should be."""
    everything = Window(first=0, last=len(material.sentences) - 1, start_ms=0, end_ms=material.duration_ms)
    quote = ""
    if material.sentences:
        picker = LocalPicker(evidence_for(material))
        quote = "" if material.guessed else material.sentences[picker.strongest(everything)].text
        texts = Naming(material, picker.interest).spoken(everything)
    else:
        texts = Naming(material).wordless(everything)
    return Moment(
        window=everything,
        title=texts.title,
        tiktok=texts.tiktok,
        instagram=texts.instagram,
        youtube=texts.title,
        score=MIDDLE_SCORE,
        reason=f"The whole {'source' if material.whole else 'part'}, because it is shorter than a clip should be.",
        quote=quote,
        parts=score_parts(MIDDLE_SCORE, {}),
    )


def _gaps(blocked: Sequence[tuple[int, int]], duration: int, shortest: int) -> list[tuple[int, int]]:
    """Return the gaps of at least `shortest` between the intervals of `blocked`, which are sorted."""
    gaps: list[tuple[int, int]] = []
    reached = 0
    for start, end in [*blocked, (duration, duration)]:
        if start - reached >= shortest:
            gaps.append((reached, start))
        reached = max(reached, end)
    return gaps
