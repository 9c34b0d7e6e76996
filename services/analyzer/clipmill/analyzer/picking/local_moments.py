"""Picks moments locally: by the words where somebody speaks, elsewhere by sound and shots."""

from collections.abc import Sequence

from clipmill.analyzer.picking.evidence import evidence_for
from clipmill.analyzer.picking.local_picker import LocalPicker
from clipmill.analyzer.picking.reasons import reason_of
from clipmill.analyzer.picking.wordless import Wordless
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment
from clipmill.analyzer.talk.titles import Hashtags, caption_of, title_from
from clipmill.analyzer.talk.windows import Window, milliseconds
from msgspec.structs import replace

MIDDLE_SCORE = 50
SCORE_PER_DEVIATION = 14
"""Points by which a local score rises for each standard deviation of a window's value above the mean of its talk. A
window at the mean has 50, and the best windows of a talk have 75 to 95."""

HIGHEST_LOCAL_SCORE = 98

WORDLESS_SCORE = 30
"""Score of a clip without speech that is like the rest of its source: lower, because speech says more."""

WORDLESS_SCORE_PER_VALUE = 15
WORDLESS_SCORE_LIMIT = 60


def pick_locally(material: Material, taken: Sequence[Moment] = ()) -> list[Moment]:
    """Return the moments that a job still needs, without asking a model. They never overlap.

    The result has at least one moment if `taken` is empty.

    Args:
        material: Material to pick from.
        taken: Moments that the plan already has; the new ones do not overlap them and score lower.
    """
    wanted = material.options.target_clips - len(taken)
    if material.too_short:
        return [] if taken else [_whole(material)]
    busy = [moment.window for moment in taken]
    moments = _spoken(material, wanted, busy)
    busy += [moment.window for moment in moments]
    moments += _wordless(material, wanted - len(moments), busy)
    if not moments and not taken:
        # The speech has no gap, and no run of its words has an allowed length. The wanted length decides.
        moments = _wordless(material, wanted, busy, over_speech=True)
    return _graded(moments, min((moment.score for moment in taken), default=101))


def _graded(moments: Sequence[Moment], ceiling: int) -> list[Moment]:
    """Return `moments` with scores below `ceiling`, all of them different if there is room above 0."""
    ranked = sorted(moments, key=lambda moment: (-moment.score, moment.window.start_ms))
    graded: list[Moment] = []
    for place, moment in enumerate(ranked):
        below = len(ranked) - 1 - place
        score = max(min(max(moment.score, below), ceiling - 1), 0)
        graded.append(replace(moment, score=score))
        ceiling = score
    return graded


def _spoken(material: Material, wanted: int, busy: Sequence[Window]) -> list[Moment]:
    windows = material.windows
    if not windows or wanted < 1:
        return []
    picker = LocalPicker(evidence_for(material))
    values = picker.valued(windows)
    free = [index for index, window in enumerate(windows) if not any(window.overlaps(other) for other in busy)]
    chosen = picker.best([windows[index] for index in free], [values[index] for index in free], wanted)
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5 or 1.0
    hashtags = Hashtags([sentence.text for sentence in material.sentences])
    moments: list[Moment] = []
    for index in (free[place] for place in chosen):
        window = windows[index]
        score = round(MIDDLE_SCORE + SCORE_PER_DEVIATION * (values[index] - mean) / deviation)
        strongest = material.sentences[picker.strongest(window)].text
        tags = hashtags.of(window.first, window.last)
        opening = material.sentences[window.first].text
        moments.append(
            Moment(
                window=window,
                title=material.titled(strongest),
                tiktok=caption_of(strongest, tags),
                instagram=caption_of(opening if opening == strongest else f"{opening} {strongest}", tags),
                youtube=material.titled(strongest),
                score=max(0, min(score, HIGHEST_LOCAL_SCORE)),
                reason=reason_of(picker.evidence, window),
            )
        )
    return moments


def _wordless(material: Material, wanted: int, busy: Sequence[Window], *, over_speech: bool = False) -> list[Moment]:
    """Return moments where nobody speaks, chosen by sound and shots."""
    speech = [] if over_speech else [(milliseconds(word.start), milliseconds(word.end)) for word in material.words]
    blocked = sorted([*speech, *((window.start_ms, window.end_ms) for window in busy)])
    free = _gaps(blocked, material.duration_ms, material.lengths.shortest_ms)
    cuts = [milliseconds(cut) for cut in material.cuts]
    segments = Wordless(material.levels, cuts, material.duration_ms).best(free, material.lengths, wanted)
    moments: list[Moment] = []
    for segment in segments:
        score = round(WORDLESS_SCORE + WORDLESS_SCORE_PER_VALUE * segment.value)
        title = title_from(f"{material.name[:80]}, {_clock(material.offset_ms + segment.window.start_ms)}")
        moments.append(
            Moment(
                window=segment.window,
                title=title,
                tiktok=title,
                instagram=title,
                youtube=title,
                score=max(0, min(score, WORDLESS_SCORE_LIMIT)),
                reason=segment.reason,
            )
        )
    return moments


def _whole(material: Material) -> Moment:
    """Return the whole material as one moment, because it is shorter than a clip should be."""
    title, tags = material.name, list[str]()
    if material.sentences:
        picker = LocalPicker(evidence_for(material))
        everything = Window(first=0, last=len(material.sentences) - 1, start_ms=0, end_ms=material.duration_ms)
        title = material.titled(material.sentences[picker.strongest(everything)].text)
        tags = Hashtags([sentence.text for sentence in material.sentences]).of(0, everything.last)
    return Moment(
        window=Window(first=0, last=len(material.sentences) - 1, start_ms=0, end_ms=material.duration_ms),
        title=title,
        tiktok=caption_of(title, tags),
        instagram=caption_of(title, tags),
        youtube=title,
        score=MIDDLE_SCORE,
        reason=f"The whole {'source' if material.whole else 'part'}, because it is shorter than a clip should be.",
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


def _clock(time_ms: int) -> str:
    minutes, seconds = divmod(time_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
