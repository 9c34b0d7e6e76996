"""Nesting of plans of different sizes, passages that are said twice, and numbers of clips that are left open.

Sources are the development corpus, the generated talks, and up to 200 real transcripts if the corpus has them.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

import msgspec
import numpy as np
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import MediaFacts, Plan, Scenes, Shot, Transcript
from clipmill.contracts.options import CLIPS_LIMIT, JobOptions
from figures import Figure
from msgspec.structs import replace
from talks.generation import Planted, Talk, talks
from talks.judging import HIT_OVERLAP, Clip, hits, material_of, overlap

from understanding.moments import NAMES, corpus_talk, later

REAL_OF_A_KIND = 100
"""Transcripts of talks, and of conversations, of which every fifth is read."""

OTHERS_LIMIT = 2
"""Most clips beside the planted highlights of a file of the corpus, if the number is left open."""

QUOTED_SENTENCES = 3
TEASER_PAUSE = 0.6


def measure(corpus: Path, _folder: Path) -> list[Figure]:
    """Return all figures."""
    own = [corpus_talk(corpus, name) for name in NAMES]
    generated = talks()
    real = list(_real(corpus / "reactions"))
    return [
        _nested("corpus", [material_of(talk) for talk in own]),
        _nested("generated talks", [material_of(talk) for talk in generated]),
        *([_nested("real transcripts", real)] if real else []),
        *(_open_number(talk) for talk in own),
        *([_open_numbers(real)] if real else []),
        *(_teasers(generated, count) for count in (None, QUOTED_SENTENCES)),
    ]


def _real(folder: Path) -> Iterator[Material]:
    """Yield the materials of real transcripts, read by the script beside them; none if they are not there."""
    script = folder / "measure.py"
    spec = importlib.util.spec_from_file_location("reactions_measure", script) if script.is_file() else None
    if spec is None or spec.loader is None:
        return
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    for kind, load in (("talks", reader.talk), ("conversations", reader.conversation)):
        for row in islice(reader.read(kind), 0, 5 * REAL_OF_A_KIND, 5):
            segments, _marks, length = load(row)
            documents = reader.documents(segments, length, CLIPS_LIMIT)
            types = (("media", MediaFacts), ("transcript", Transcript), ("scenes", Scenes), ("options", JobOptions))
            yield Material(*(msgspec.convert(documents[name], kind) for name, kind in types))


def _asking_for(material: Material, count: int | None) -> Plan:
    material.options = replace(material.options, target_clips=count)
    return plan_of(material)


def _nested(label: str, materials: Sequence[Material]) -> Figure:
    """Return how many steps from a plan to the next larger one lose a clip or the best score."""
    violations = steps = 0
    for material in materials:
        plans = [_asking_for(material, count) for count in range(1, CLIPS_LIMIT + 1)]
        for smaller, larger in pairwise(plans):
            steps += 1
            lost = {(clip.start, clip.end) for clip in smaller.clips} - {
                (clip.start, clip.end) for clip in larger.clips
            }
            violations += bool(lost) or larger.clips[0].score < smaller.clips[0].score
    return Figure(
        f"{label}: of {steps} steps to a plan of one more clip, those that lose a clip or the best score",
        f"{violations}",
        "0",
        violations == 0,
    )


def _open_number(talk: Talk) -> Figure:
    plan = _asking_for(material_of(talk), None)
    found = hits(_clips(plan), talk.planted)
    most = len(talk.planted) + OTHERS_LIMIT
    return Figure(
        f"{talk.name}: clips if their number is left open, and planted highlights among them",
        f"{len(plan.clips)}, {found} of {len(talk.planted)}",
        f"all, ≤ {most} clips",
        found == len(talk.planted) and len(plan.clips) <= most,
    )


def _open_numbers(materials: Sequence[Material]) -> Figure:
    counts = np.array([len(_asking_for(material, None).clips) for material in materials])
    minutes = np.array([material.duration / 60 for material in materials])
    short = counts[minutes < np.median(minutes)]
    return Figure(
        f"real transcripts: clips if their number is left open, 10th, 50th and 90th percentile of {len(short)} of "
        f"up to {np.median(minutes):.0f} minutes",
        ", ".join(f"{count:.0f}" for count in np.percentile(short, [10, 50, 90])),
    )


def _teasers(some: Sequence[Talk], sentences: int | None) -> Figure:
    """Return how often a plan and its reserve show a passage once that a talk opens with and has in its place."""
    in_place = twice = count = 0
    for talk in some:
        for highlight in talk.planted:
            opened, teaser, place = _opening_with(talk, highlight, sentences)
            plan = plan_of(material_of(opened))
            clips = [(clip.start, clip.end) for clip in (*plan.clips, *plan.reserve)]
            told = overlap(clips, place) >= HIT_OVERLAP
            in_place += told
            twice += told and any(_covers(clip, teaser) for clip in clips)
            count += 1
    what = "whole highlights" if sentences is None else f"{sentences} sentences of highlights"
    return Figure(
        f"generated talks that open with {what}: plans of {count} with the passage in its place, with both copies",
        f"{in_place}, {twice}",
    )


def _covers(clip: Clip, teaser: Clip) -> bool:
    return min(clip[1], teaser[1]) - max(clip[0], teaser[0]) > (teaser[1] - teaser[0]) / 2


def _opening_with(talk: Talk, highlight: Planted, sentences: int | None) -> tuple[Talk, Clip, Planted]:
    """Return a talk that opens with a copy of a highlight up to a cut, the place of the copy, and the highlight."""
    told = [each for each in talk.transcript.segments if highlight.start <= each.start and each.end <= highlight.end]
    quoted = [later(segment, -told[0].start) for segment in told[:sentences]]
    added = quoted[-1].end + TEASER_PAUSE
    duration = talk.media.duration + added
    edges = [0.0, added, *(shot.start + added for shot in talk.scenes.shots[1:]), duration]
    opened = Talk(
        name=talk.name,
        group=talk.group,
        media=replace(talk.media, duration=duration),
        transcript=replace(
            talk.transcript,
            duration=duration,
            segments=(*quoted, *(later(segment, added) for segment in talk.transcript.segments)),
            levels=(),
        ),
        scenes=replace(talk.scenes, shots=tuple(Shot(start=one, end=other) for one, other in pairwise(edges))),
        planted=tuple(Planted(each.start + added, each.end + added, each.form) for each in talk.planted),
    )
    return opened, (0.0, quoted[-1].end), Planted(highlight.start + added, highlight.end + added)


def _clips(plan: Plan) -> list[Clip]:
    return [(clip.start, clip.end) for clip in plan.clips]
