"""The promises that every plan keeps, whatever the speech and the cuts."""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
from clipmill.analyzer.picking.repeats import Repeats
from clipmill.analyzer.picking.scheduling import Room, times_of
from clipmill.analyzer.picking.selection import kept_room
from clipmill.analyzer.talk.boundaries import FADE_IN_MS
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.reactions import LATE_SECONDS
from clipmill.analyzer.talk.windows import Window, milliseconds
from clipmill.contracts.documents import Plan, PlannedClip, Word
from clipmill.contracts.options import CLIPS_LIMIT, RESERVE_LIMIT

EMPTY = "a plan is empty or too full"
FEW = "a plan has fewer clips than it has room for"
LISTED = "a plan lists more than 45 moments, or not all that it has room for"
REPEATED = "two clips say the same"
PARTS = "a score is not the sum of its parts"
NUMBERS = "clips are not numbered by rank"
SCORES = "scores are not descending from 100 to 0"
TIES = "two scores are equal"
RANGE = "a clip reaches beyond the source, or beyond the part that is wanted"
LENGTH = "a clip's length is out of the range asked for"
OVERLAP = "two clips overlap"
SENTENCES = "a clip starts or ends inside a sentence"
WORDS = "a clip cuts a word"
TEXTS = "a text is empty or too long"
QUIET = "the sound of a clip dies away under its words"
FADES = "a fade is longer than a reaction may be kept, or than the clip"

EXACT = 1e-6
"""Seconds by which a sum of floats may be wrong; clips have whole milliseconds."""


def broken(material: Material, plan: Plan) -> list[str]:
    """Return the promises that `plan` breaks, each once."""
    clips = [*plan.clips, *plan.reserve]
    scores = [clip.score for clip in clips]
    in_time = sorted(clips, key=lambda clip: clip.start)
    most = material.options.target_clips or CLIPS_LIMIT
    kept = {
        EMPTY: 1 <= len(plan.clips) <= most,
        FEW: len(plan.clips) == most or not plan.reserve or material.options.target_clips is None,
        LISTED: len(plan.reserve) <= RESERVE_LIMIT and (len(clips) >= _fewest(material) or _repetitive(material)),
        NUMBERS: [clip.number for clip in clips] == list(range(1, len(clips) + 1)),
        SCORES: scores == sorted(scores, reverse=True) and all(0 <= score <= 100 for score in scores),
        TIES: len(set(scores)) == len(scores),
        PARTS: all(sum(part.points for part in clip.parts) == clip.score for clip in clips),
        RANGE: all(_inside(clip, material) for clip in clips),
        LENGTH: material.too_short or all(_fits(clip, material) for clip in clips),
        OVERLAP: all(one.end <= other.start for one, other in pairwise(in_time)),
        REPEATED: not _repeated(material, clips),
        TEXTS: all(_described(clip) for clip in clips),
        FADES: all(_fades(clip) for clip in clips),
    }
    if material.windows:
        kept[SENTENCES] = not _cut(clips, material.sentences, material)
        kept[WORDS] = not _cut(clips, material.words, material)
        kept[QUIET] = all(_quiet_words(clip, material) for clip in clips)
    return [promise for promise, is_kept in kept.items() if not is_kept]


def _fewest(material: Material) -> int:
    """Return the least number of moments in the list of a source, if nothing in it is said twice."""
    windows = material.windows
    if not windows:
        return 1
    end, longest = max(window.end_ms for window in windows), max(window.length_ms for window in windows)
    return kept_room(Room(*times_of(windows)).within((0, end)), end // longest)


def _repetitive(material: Material) -> bool:
    """Return whether any window repeats another that does not overlap it."""
    repeats, windows = Repeats(material.sentences), material.windows
    firsts = np.array([window.first for window in windows])
    lasts = np.array([window.last for window in windows])
    return any(
        other and not window.overlaps(windows[index])
        for window in windows
        for index, other in enumerate(repeats.shared(window, firsts, lasts)[1])
    )


def _repeated(material: Material, clips: Sequence[PlannedClip]) -> bool:
    """Return whether two clips repeat each other."""
    spoken = [window for clip in clips if (window := _window(material, clip)) is not None]
    return any(Repeats(material.sentences).same(one, other) for one, other in combinations(spoken, 2))


def _window(material: Material, clip: PlannedClip) -> Window | None:
    """Return the window of a clip with speech."""
    edges = milliseconds(clip.start), milliseconds(clip.end)
    return next((each for each in material.windows if (each.start_ms, each.end_ms) == edges), None)


def _fits(clip: PlannedClip, material: Material) -> bool:
    length = milliseconds(clip.end) - milliseconds(clip.start)
    return material.lengths.shortest_ms <= length <= material.lengths.longest_ms


def _inside(clip: PlannedClip, material: Material) -> bool:
    start = material.options.start or 0.0
    end = (material.offset_ms + material.duration_ms) / 1000
    wanted = end if material.options.end is None else material.options.end
    return start - EXACT <= clip.start < clip.end <= min(end, wanted) + EXACT


def _cut(clips: Sequence[PlannedClip], units: Sequence[Sentence] | Sequence[Word], material: Material) -> bool:
    """Return whether any clip starts or ends inside one of `units`, to the millisecond."""
    edges = [milliseconds(edge) - material.offset_ms for clip in clips for edge in (clip.start, clip.end)]
    whole = [(milliseconds(unit.start), min(milliseconds(unit.end), material.duration_ms)) for unit in units]
    return any(start < edge < end for edge in edges for start, end in whole)


def _fades(clip: PlannedClip) -> bool:
    longest = min(LATE_SECONDS, clip.end - clip.start)
    return 0 <= clip.fade_in <= FADE_IN_MS / 1000 and 0 <= clip.fade_out <= longest + EXACT


def _quiet_words(clip: PlannedClip, material: Material) -> bool:
    """Return whether the sound of a clip dies away after its last word."""
    dying = milliseconds(clip.end) - milliseconds(clip.fade_out) - material.offset_ms
    end = milliseconds(clip.end) - material.offset_ms
    return not clip.fade_out or not any(dying < milliseconds(word.end) <= end for word in material.words)


def _described(clip: PlannedClip) -> bool:
    titles = all(0 < len(title) <= 100 for title in (clip.title, clip.youtube))
    captions = all(0 < len(caption) <= 2200 for caption in (clip.tiktok, clip.instagram))
    return titles and captions and clip.instagram.count("#") <= 5 and bool(clip.reason)
