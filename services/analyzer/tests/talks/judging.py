"""Compares picked clips with the planted highlights, and offers simple ways of picking for comparison."""

import random
from collections.abc import Sequence

from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.options import JobOptions

from talks.generation import Planted, Talk

HIT_OVERLAP = 0.5
"""Intersection over union from which a clip counts as the planted passage."""

Clip = tuple[float, float]
"""Start and end, in seconds."""


def material_of(talk: Talk) -> Material:
    """Return the material of a talk, with as many wanted clips as it has highlights."""
    return Material(talk.media, talk.transcript, talk.scenes, JobOptions(target_clips=len(talk.planted)), bundled())


def picked(talk: Talk) -> list[Clip]:
    """Return the clips that the local picker picks."""
    return [(clip.start, clip.end) for clip in plan_of(material_of(talk)).clips]


def hits(clips: Sequence[Clip], planted: Sequence[Planted]) -> int:
    """Return the number of highlights among `clips`."""
    return sum(overlap(clips, highlight) >= HIT_OVERLAP for highlight in planted)


def overlap(clips: Sequence[Clip], highlight: Planted) -> float:
    """Return the largest intersection over union of any of `clips` with `highlight`."""

    def of(clip: Clip) -> float:
        shared = max(0.0, min(clip[1], highlight.end) - max(clip[0], highlight.start))
        return shared / (clip[1] - clip[0] + highlight.end - highlight.start - shared)

    return max(map(of, clips), default=0.0)


def evenly_spaced(talk: Talk) -> list[Clip]:
    """Return clips as long as the highlights are on average, in the middles of equal parts."""
    length, count, duration = _length(talk), len(talk.planted), talk.media.duration
    middles = [(index + 0.5) * duration / count for index in range(count)]
    return [(middle - length / 2, middle + length / 2) for middle in middles]


def at_random(talk: Talk, seed: int) -> list[Clip]:
    """Return clips with the lengths of the highlights at random places, without overlap."""
    chance = random.Random(f"{talk.name} {seed}")
    lengths = [highlight.end - highlight.start for highlight in talk.planted]
    chance.shuffle(lengths)
    room = talk.media.duration - sum(lengths)
    places = sorted(chance.uniform(0, room) for _ in lengths)
    clips, before = [], 0.0
    for place, length in zip(places, lengths, strict=True):
        clips.append((place + before, place + before + length))
        before += length
    return clips


def loudest(talk: Talk) -> list[Clip]:
    """Return the loudest clips, as long as the highlights are on average, one after the other without overlap."""
    length = round(_length(talk))
    levels = talk.transcript.levels
    sums = [sum(levels[start : start + length]) for start in range(max(len(levels) - length, 1))]
    clips: list[Clip] = []
    for start in sorted(range(len(sums)), key=lambda start: (-sums[start], start)):
        if len(clips) < len(talk.planted) and all(start + length <= one or other <= start for one, other in clips):
            clips.append((float(start), float(start + length)))
    return clips


def first_ones(talk: Talk) -> list[Clip]:
    """Return the first runs of whole sentences that are at least as long as the shortest highlight."""
    shortest = min(highlight.end - highlight.start for highlight in talk.planted)
    clips: list[Clip] = []
    start = None
    for segment in talk.transcript.segments:
        start = segment.start if start is None else start
        if segment.end - start >= shortest and len(clips) < len(talk.planted):
            clips.append((start, segment.end))
            start = None
    return clips


def _length(talk: Talk) -> float:
    return sum(highlight.end - highlight.start for highlight in talk.planted) / len(talk.planted)
