"""The picked clips against what real audiences reacted to, each transcript picked by a model that has not seen it.

Five folds: `tools/moments/learn.py` learns from four of them, and the shipped picker picks from the fifth. Across
kinds, a model that learned from talks alone picks from conversations, and the other way round. The corpus says in
`reactions/README` where the transcripts come from.

A reaction belongs to a clip if it falls between 1 s after the clip's start and 2.5 s after its end. Lift is the number
of reactions per second in the clips, divided by that in the whole transcript, as a mean over transcripts.
"""

import os
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import Audience
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import MediaFacts, Origin, Scenes, Shot, VideoFacts
from clipmill.contracts.options import JobOptions
from figures import Figure
from msgspec import Struct

sys.path.insert(0, str(Path(__file__).parents[3] / "tools" / "moments"))

import learn
from learn import KINDS, Recording

CLIPS = {"talks": 3, "conversations": 5}
FOLDS = range(int(os.environ.get("CLIPMILL_BENCH_FOLDS", "5")))
"""Folds that are held out in turn; fewer for a quick look."""

LIFTS = {"talks": 2.8, "conversations": 5.5}
LIFTS_ACROSS = {"talks": 2.4, "conversations": 5.0}
HIT_RATIOS = {"talks": 1.8, "conversations": 3.0}
SHORTEST_MEAN, LONGEST_MEAN = 22.0, 40.0
RANDOM_ROUNDS = 60
QUIET_BEGINNING, LATE = 1.0, 2.5
"""Seconds after a clip's start, and after its end, between which a reaction is one to the clip."""


class Judged(Struct, frozen=True):
    """The clips of a transcript against its reactions.

    Attributes:
        lift: Reactions per second in the clips, to those of the transcript.
        hits: Share of the clips with a reaction.
        random_hits: Share of random windows of equal lengths with a reaction.
        seconds: Mean length of the clips, in seconds.
        place: Mean place of the clips in the transcript, from 0 to 1.
        complete: True if there are as many clips as were wanted.
    """

    lift: float
    hits: float
    random_hits: float
    seconds: float
    place: float
    complete: bool


def measure(corpus: Path, folder: Path) -> list[Figure]:
    """Return all figures.

    Args:
        corpus: Folder of the corpus.
        folder: Folder for the learned models.
    """
    reactions = corpus / "reactions"
    if not (reactions / "talks.jsonl.gz").is_file():
        return [Figure("transcripts with reactions", "not here")]
    fold = learn.folds()
    known = {kind: list(learn.recordings(reactions, kind)) for kind in KINDS}
    table = learn.Table(one for kind in KINDS for one in known[kind])
    figures: list[Figure] = []
    within: dict[str, list[Judged]] = {kind: [] for kind in KINDS}
    for held_out in FOLDS:
        model = folder / f"{held_out}.npz"
        model.write_bytes(table.learned({name for name in fold if fold[name] != held_out}))
        for kind in KINDS:
            within[kind] += judged([one for one in known[kind] if fold[one.name] == held_out], model)
    for kind in KINDS:
        figures += _figures(kind, f"{kind}, held out", within[kind], LIFTS[kind])
    for taught, kind in (KINDS, KINDS[::-1]):
        model = folder / f"{taught}.npz"
        model.write_bytes(table.learned({one.name for one in known[taught]}))
        across = judged([one for one in known[kind] if fold[one.name] in FOLDS], model)
        figures += _figures(kind, f"{kind}, learned from {taught} alone", across, LIFTS_ACROSS[kind])
    return figures


def judged(recordings: Sequence[Recording], model: Path) -> list[Judged]:
    """Return how the shipped picker does on these transcripts with a model, where there was any reaction."""
    some = [one for one in recordings if one.reactions]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as processes:
        return list(processes.map(_judged, some, [model] * len(some), chunksize=8))


def _judged(recording: Recording, model: Path) -> Judged:
    length, wanted = recording.transcript.duration, CLIPS[recording.kind]
    video = VideoFacts(codec="h264", width=1920, height=1080)
    media = MediaFacts(
        stem="t", title="t", container="mp4", duration=length, size_bytes=1, origin=Origin.UPLOAD, video=video
    )
    scenes = Scenes(shots=(Shot(start=0.0, end=length),), detector="none", frame_rate=25.0)
    audience = Audience.read(model.read_bytes())
    plan = plan_of(Material(media, recording.transcript, scenes, JobOptions(target_clips=wanted), audience))
    clips = [(clip.start, clip.end) for clip in plan.clips]
    total = sum(end - start for start, end in clips)
    counts = [_reactions(recording, *clip) for clip in clips]
    return Judged(
        lift=sum(counts) / total / (len(recording.reactions) / length),
        hits=float(np.mean([count > 0 for count in counts])),
        random_hits=_random_hits(recording, [end - start for start, end in clips]),
        seconds=total / len(clips),
        place=float(np.mean([(start + end) / 2 / length for start, end in clips])),
        complete=len(clips) == wanted,
    )


def _reactions(recording: Recording, start: float, end: float) -> int:
    return sum(start + QUIET_BEGINNING < mark <= end + LATE for mark in recording.reactions)


def _random_hits(recording: Recording, lengths: Sequence[float]) -> float:
    chance = random.Random(recording.name)
    starts = [sentence.start for sentence in recording.sentences]
    found = 0
    for _ in range(RANDOM_ROUNDS):
        for seconds in lengths:
            start = chance.choice([one for one in starts if one + seconds <= recording.transcript.duration])
            found += _reactions(recording, start, start + seconds) > 0
    return found / RANDOM_ROUNDS / len(lengths)


def _figures(kind: str, label: str, judged: Sequence[Judged], wanted: float) -> list[Figure]:
    lifts = np.array([one.lift for one in judged])
    lift, error = float(lifts.mean()), float(lifts.std() / len(lifts) ** 0.5)
    hits, by_chance = (float(np.mean([getattr(one, name) for one in judged])) for name in ("hits", "random_hits"))
    seconds = float(np.mean([one.seconds for one in judged]))
    lengths = np.array([one.seconds for one in judged])
    places = np.array([one.place for one in judged])
    complete = sum(one.complete for one in judged)
    shorter = float(lifts[lengths <= np.median(lengths)].mean())
    longer = float(lifts[lengths > np.median(lengths)].mean())
    early, late = (float(lifts[mask].mean()) for mask in (places <= np.median(places), places > np.median(places)))
    return [
        Figure(f"{label}: lift", f"{lift:.2f} ± {error:.2f}", f"≥ {wanted}", lift >= wanted),
        Figure(
            f"{label}: clips with a reaction, to random windows of equal lengths",
            f"{hits:.0%} to {by_chance:.0%}, {hits / by_chance:.2f} times",
            f"≥ {HIT_RATIOS[kind]} times",
            hits >= HIT_RATIOS[kind] * by_chance,
        ),
        Figure(
            f"{label}: mean length of a clip",
            f"{seconds:.1f} s",
            f"{SHORTEST_MEAN:g} to {LONGEST_MEAN:g} s",
            SHORTEST_MEAN <= seconds <= LONGEST_MEAN,
        ),
        Figure(
            f"{label}: transcripts with all {CLIPS[kind]} clips",
            f"{complete} of {len(judged)}",
            "all",
            complete == len(judged),
        ),
        Figure(f"{label}: lift where clips are shorter, and longer, than the median", f"{shorter:.2f}, {longer:.2f}"),
        Figure(f"{label}: lift where clips are earlier, and later, than the median", f"{early:.2f}, {late:.2f}"),
    ]
