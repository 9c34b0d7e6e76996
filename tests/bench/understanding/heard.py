"""The picked clips where the audience is heard, on transcripts of real talks and conversations.

The transcripts have marks of reactions and no sound, so the sounds of the room are made up as YAMNet was measured
(`docs/decisions/0011-hear-the-room-with-yamnet.md`): each mark becomes a laugh of 1 to 5 s; 15 % of them are missed;
peaks are as far above the bar as those of recorded laughs; and speech sounds like a laugh for half a second once in
five minutes. The same transcripts are picked from without sounds, with a learned model that has not seen them, and
without a learned model, as in other languages.

The way to the best is (lift - random lift) / (best possible lift - random lift), for windows of equal lengths; the
module `reactions` says what a lift is.
"""

import os
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean

from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import Audience
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sound.reactions import AUDIBLE
from clipmill.contracts.documents import MediaFacts, Origin, Scenes, Shot, VideoFacts
from clipmill.contracts.options import JobOptions
from clipmill.contracts.sounds import SOUND_SECONDS, Sounds
from figures import Figure
from msgspec import Struct
from msgspec.structs import replace

from understanding.reactions import CLIPS, LATE, QUIET_BEGINNING, RANDOM_ROUNDS, learn
from understanding.reactions import Recording as Recorded

HELD_OUT = 0
"""Fold that the learned model has not seen, and that is picked from."""

OF_A_KIND = int(os.environ.get("CLIPMILL_BENCH_HEARD", "30"))
"""Most transcripts of each kind; fewer for a quick look."""

WANTED_WAY = 0.6

MISSED_SHARE = 0.15
FALSE_A_MINUTE = 0.2
SHORTEST, LONGEST = 1.0, 5.0
LATEST_ONSET = 0.5
"""Seconds after the word within which people begin to react."""

PEAK_STEPS, FALSE_STEPS = 13.0, 5.0
"""Mean steps above `AUDIBLE` of the peaks of recorded laughs that reach it, and of false alarms: of such laughs 0.59
reach 110 and 0.2 reach 122, and no false alarm of 8.7 minutes reached 110."""

FALLING_STEPS = 10.0
"""Mean steps by which the other half seconds of a laugh are below its peak."""

HIGHEST_FALSE = 112
QUIET = (40, 80)
"""Scores of half seconds without a reaction."""

PATCH_SECONDS, HOP_SECONDS = 0.96, 0.48
LEAST_INSIDE = 0.28
"""Seconds of a laugh that a patch must have to be one."""


class Way(Struct, frozen=True):
    """The clips of a transcript against its reactions.

    Attributes:
        lift: Reactions per second in the clips, to those of the transcript.
        by_chance: The same in random windows of equal lengths.
        best: The same in the best windows of equal lengths.
        hits: Share of the clips with a reaction.
    """

    lift: float
    by_chance: float
    best: float
    hits: float


def measure(corpus: Path, folder: Path) -> list[Figure]:
    """Return all figures.

    Args:
        corpus: Folder of the corpus.
        folder: Folder for the learned model.
    """
    reactions = corpus / "reactions"
    if not (reactions / "talks.jsonl.gz").is_file():
        return [Figure("transcripts with reactions", "not here")]
    fold = learn.folds()
    known = {kind: list(learn.recordings(reactions, kind)) for kind in learn.KINDS}
    model = folder / "heard.npz"
    table = learn.Table(one for kind in learn.KINDS for one in known[kind])
    model.write_bytes(table.learned({name for name in fold if fold[name] != HELD_OUT}))
    figures: list[Figure] = []
    for kind in learn.KINDS:
        some = [one for one in known[kind] if fold[one.name] == HELD_OUT and one.reactions]
        chosen = list(islice(some, OF_A_KIND))
        figures += [
            _figure(f"{kind}: without sounds", _ways(chosen, model, audible=False), wanted=None),
            _figure(f"{kind}: heard", _ways(chosen, model, audible=True), wanted=WANTED_WAY),
            _figure(f"{kind}: heard, without a learned model", _ways(chosen, None, audible=True), wanted=WANTED_WAY),
        ]
    return figures


def heard_sounds(recording: Recorded) -> Sounds:
    """Return made-up sounds of a transcript, the same for each call."""
    chance = random.Random(f"room {recording.name}")
    halves = int(recording.transcript.duration / SOUND_SECONDS) + int(LONGEST / SOUND_SECONDS) + 2
    scores = bytearray(chance.randint(*QUIET) for _ in range(halves))
    for mark in recording.reactions:
        if chance.random() >= MISSED_SHARE:
            _lay(scores, mark + chance.uniform(0, LATEST_ONSET), chance.uniform(SHORTEST, LONGEST), chance)
    for _ in range(int(recording.transcript.duration / 60 * FALSE_A_MINUTE + chance.random())):
        at = chance.randrange(halves)
        scores[at] = max(scores[at], min(int(AUDIBLE + chance.expovariate(1 / FALSE_STEPS)), HIGHEST_FALSE))
    quiet = bytes(halves)
    return Sounds(laughter=bytes(scores), applause=quiet, cheering=quiet, shouting=quiet, music=quiet, singing=quiet)


def _lay(scores: bytearray, start: float, seconds: float, chance: random.Random) -> None:
    """Lay a reaction into scores as the model would hear it, patch by patch."""
    end, half = start + seconds, PATCH_SECONDS / 2
    first, last = int((start - 1) / HOP_SECONDS), int((end + 1) / HOP_SECONDS)
    middles = [
        middle
        for middle in (HOP_SECONDS * patch + half for patch in range(max(first, 0), last + 1))
        if min(middle + half, end) - max(middle - half, start) >= LEAST_INSIDE
    ]
    peak, loudest = AUDIBLE + chance.expovariate(1 / PEAK_STEPS), chance.choice(middles)
    for middle in middles:
        below = 0.0 if middle == loudest else chance.expovariate(1 / FALLING_STEPS)
        place = int(middle / SOUND_SECONDS)
        if place < len(scores):
            scores[place] = max(scores[place], min(max(int(peak - below), 1), 255))


def _ways(recordings: Sequence[Recorded], model: Path | None, *, audible: bool) -> list[Way]:
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as processes:
        return list(processes.map(partial(_way, model=model, audible=audible), recordings, chunksize=4))


def _way(recording: Recorded, *, model: Path | None, audible: bool) -> Way:
    length = recording.transcript.duration
    media = MediaFacts(
        stem="t", title="t", container="mp4", duration=length, size_bytes=1, origin=Origin.UPLOAD,
        video=VideoFacts(codec="h264", width=1920, height=1080),
    )  # fmt: skip
    scenes = Scenes(shots=(Shot(start=0.0, end=length),), detector="none", frame_rate=25.0)
    transcript = replace(recording.transcript, sounds=heard_sounds(recording) if audible else None)
    audience = Audience.read(model.read_bytes()) if model is not None else None
    options = JobOptions(target_clips=CLIPS[recording.kind])
    plan = plan_of(Material(media, transcript, scenes, options, audience))
    return _judged(recording, [(clip.start, clip.end) for clip in plan.clips])


def _judged(recording: Recorded, clips: Sequence[tuple[float, float]]) -> Way:
    length, marks = recording.transcript.duration, recording.reactions
    lengths = [end - start for start, end in clips]
    starts = [sentence.start for sentence in recording.sentences]
    rate, total = len(marks) / length, sum(lengths)

    def count(start: float, seconds: float) -> int:
        return sum(start + QUIET_BEGINNING < mark <= start + seconds + LATE for mark in marks)

    chance = random.Random(recording.name)
    by_chance = sum(
        count(chance.choice([one for one in starts if one + seconds <= length] or [0.0]), seconds)
        for _ in range(RANDOM_ROUNDS)
        for seconds in lengths
    )
    best, taken = 0, []
    for seconds in lengths:
        most, start = max(
            (count(one, seconds), one)
            for one in starts
            if one + seconds <= length and all(one >= end or one + seconds <= begin for begin, end in taken)
        )
        best += most
        taken.append((start, start + seconds))
    ours = [count(start, end - start) for start, end in clips]
    return Way(
        lift=sum(ours) / total / rate,
        by_chance=by_chance / RANDOM_ROUNDS / total / rate,
        best=best / total / rate,
        hits=fmean(one > 0 for one in ours),
    )


def _figure(label: str, ways: Sequence[Way], *, wanted: float | None) -> Figure:
    lift, by_chance, best, hits = (
        fmean(getattr(one, name) for one in ways) for name in ("lift", "by_chance", "best", "hits")
    )
    way = (lift - by_chance) / (best - by_chance)
    value = f"{way:.2f} ({lift:.2f}; {by_chance:.2f}; {best:.2f}; {hits:.0%})"
    name = f"{label}, {len(ways)} transcripts: way to the best (lift; random; best possible; clips with a reaction)"
    if wanted is None:
        return Figure(name, value)
    return Figure(name, value, f"≥ {wanted}", way >= wanted)
