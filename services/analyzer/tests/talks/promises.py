"""The promises that every plan keeps, whatever the speech and the cuts."""

from collections.abc import Sequence
from itertools import pairwise

from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import milliseconds
from clipmill.contracts.documents import PlannedClip, Word

EMPTY = "a plan is empty or too full"
NUMBERS = "clips are not numbered by rank"
SCORES = "scores are not descending from 100 to 0"
TIES = "two scores are equal"
RANGE = "a clip reaches beyond the source, or beyond the part that is wanted"
LENGTH = "a clip's length is out of the range asked for"
OVERLAP = "two clips overlap"
SENTENCES = "a clip starts or ends inside a sentence"
WORDS = "a clip cuts a word"
TEXTS = "a text is empty or too long"


def broken(material: Material, clips: Sequence[PlannedClip]) -> list[str]:
    """Return the promises that `clips` break, each once."""
    options = material.options
    scores = [clip.score for clip in clips]
    in_time = sorted(clips, key=lambda clip: clip.start)
    kept = {
        EMPTY: 1 <= len(clips) <= options.target_clips,
        NUMBERS: [clip.number for clip in clips] == list(range(1, len(clips) + 1)),
        SCORES: scores == sorted(scores, reverse=True) and all(0 <= score <= 100 for score in scores),
        TIES: len(set(scores)) == len(scores),
        RANGE: all(_inside(clip, material) for clip in clips),
        LENGTH: material.too_short or all(_fits(clip, material) for clip in clips),
        OVERLAP: all(one.end <= other.start for one, other in pairwise(in_time)),
        TEXTS: all(_described(clip) for clip in clips),
    }
    if material.windows:
        kept[SENTENCES] = not _cut(clips, material.sentences, material)
        kept[WORDS] = not _cut(clips, material.words, material)
    return [promise for promise, is_kept in kept.items() if not is_kept]


def _fits(clip: PlannedClip, material: Material) -> bool:
    length = milliseconds(clip.end) - milliseconds(clip.start)
    return material.lengths.shortest_ms <= length <= material.lengths.longest_ms


def _inside(clip: PlannedClip, material: Material) -> bool:
    start = material.options.start or 0.0
    end = (material.offset_ms + material.duration_ms) / 1000
    wanted = end if material.options.end is None else material.options.end
    return start <= clip.start < clip.end <= min(end, wanted)


def _cut(clips: Sequence[PlannedClip], units: Sequence[Sentence] | Sequence[Word], material: Material) -> bool:
    """Return whether any clip starts or ends inside one of `units`, to the millisecond."""
    edges = [milliseconds(edge) - material.offset_ms for clip in clips for edge in (clip.start, clip.end)]
    whole = [(milliseconds(unit.start), min(milliseconds(unit.end), material.duration_ms)) for unit in units]
    return any(start < edge < end for edge in edges for start, end in whole)


def _described(clip: PlannedClip) -> bool:
    titles = all(0 < len(title) <= 100 for title in (clip.title, clip.youtube))
    captions = all(0 < len(caption) <= 2200 for caption in (clip.tiktok, clip.instagram))
    return titles and captions and clip.instagram.count("#") <= 5 and bool(clip.reason)
