"""The local picker's hit rate on planted highlights, the promises of its plans, and its speed.

The bench asks for as many clips as highlights were planted, of 15 s to 60 s, and counts the share of highlights that
a clip overlaps by at least half (intersection over union). Talks are the development corpus's (words from the
truth, loudness from the sound) and four of each group of `services/analyzer/tests/talks`, which have a voice, fillers
and highlights of their own.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import av
import msgspec
import numpy as np
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import MediaFacts, Origin, Scenes, Segment, Shot, Transcript, VideoFacts, Word
from clipmill.contracts.options import CLIP_SECONDS_FLOOR, CLIP_SECONDS_LIMIT, CLIPS_LIMIT, JobOptions
from figures import Figure
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[3] / "services" / "analyzer" / "tests"))

from talks import promises
from talks.generation import Planted, Talk, talks
from talks.judging import HIT_OVERLAP, Clip, at_random, evenly_spaced, first_ones, hits, loudest, overlap, picked
from talks.random_jobs import jobs

from understanding import moment_weights

NAMES = ("talk", "interview")
WANTED_SHARE = 0.8
RANDOM_SEEDS = 200
RANDOM_JOBS = 2000
HOUR_SECONDS = 3600.0
WANTED_SECONDS = 2.0
SILENCE_DBFS = -90
SOUND_RATE = 16_000


def measure(corpus: Path, folder: Path) -> list[Figure]:
    """Return all figures; needs no `folder`."""
    generated = talks()
    return [
        *_compared("corpus", [corpus_talk(corpus, name) for name in NAMES]),
        *_compared("generated talks", generated),
        *_without_senses(generated),
        *moment_weights.measure(generated),
        *_promises(),
        *_speed(generated),
    ]


def _compared(label: str, some: Sequence[Talk]) -> list[Figure]:
    ours = _share(some, picked)
    anywhere = [_share(some, lambda talk, seed=seed: at_random(talk, seed)) for seed in range(RANDOM_SEEDS)]
    others = {
        f"at random places, of the highlights' own lengths, mean of {RANDOM_SEEDS} seeds": float(np.mean(anywhere)),
        "evenly spaced": _share(some, evenly_spaced),
        "the loudest": _share(some, loudest),
        "the first runs of sentences of a good length": _share(some, first_ones),
    }
    count = sum(len(talk.planted) for talk in some)
    return [
        Figure(
            f"{label}: planted highlights found, of {count} in {len(some)} talks",
            f"{ours:.2f}",
            f"≥ {WANTED_SHARE}, no less than below",
            ours >= WANTED_SHARE and ours >= max(others.values()),
        ),
        *(Figure(f"{label}: clips {name}", f"{share:.2f}") for name, share in others.items()),
    ]


def _share(some: Sequence[Talk], pick: Callable[[Talk], list[Clip]]) -> float:
    return sum(hits(pick(talk), talk.planted) for talk in some) / sum(len(talk.planted) for talk in some)


def _without_senses(some: Sequence[Talk]) -> list[Figure]:
    """Return the hit rates when less is known; the last case has only pauses to separate sentences."""
    deaf = [_with_transcript(talk, replace(talk.transcript, levels=())) for talk in some]
    blind = [_as_one_shot(talk) for talk in deaf]
    bare = [_with_transcript(talk, _without_punctuation(talk.transcript)) for talk in some]
    return [
        Figure(f"generated talks: ours without {what}", f"{_share(known, picked):.2f}")
        for what, known in (("loudness", deaf), ("loudness and shots", blind), ("punctuation and capitals", bare))
    ]


def _with_transcript(talk: Talk, transcript: Transcript) -> Talk:
    return Talk(talk.name, talk.group, talk.media, transcript, talk.scenes, talk.planted)


def _as_one_shot(talk: Talk) -> Talk:
    shot = Shot(start=0.0, end=talk.media.duration)
    return Talk(talk.name, talk.group, talk.media, talk.transcript, replace(talk.scenes, shots=(shot,)), talk.planted)


def _without_punctuation(transcript: Transcript) -> Transcript:
    return replace(
        transcript,
        segments=tuple(
            replace(
                segment,
                words=tuple(replace(word, text=word.text.strip(".,?!").lower() or word.text) for word in segment.words),
            )
            for segment in transcript.segments
        ),
    )


def _promises() -> list[Figure]:
    """Return how often plans for random jobs break a promise."""
    counts: Counter[str] = Counter()
    broken: Counter[str] = Counter()

    @settings(
        max_examples=RANDOM_JOBS,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(jobs())
    def count(material: Material) -> None:
        plan = plan_of(material)
        counts["plans"] += 1
        counts["clips"] += len(plan.clips)
        if material.words and not material.windows and not material.too_short:
            counts["without a run of sentences or words of an allowed length"] += 1
        elif material.in_words:
            counts["between words"] += 1
        broken.update(promises.broken(material, plan))

    count()
    kept = {
        "clips that start or end inside a sentence": promises.SENTENCES,
        "clips that cut a word": promises.WORDS,
        "overlaps": promises.OVERLAP,
        "clips out of the range of lengths": promises.LENGTH,
        "clips beyond the source": promises.RANGE,
        "scores that do not descend from 100 to 0": promises.SCORES,
        "equal scores": promises.TIES,
        "empty plans, or with more clips than asked for": promises.EMPTY,
        "clips that say the same": promises.REPEATED,
        "scores that are not the sum of their parts": promises.PARTS,
        "fewer moments than room is kept for": promises.LISTED,
    }
    rest = sum(broken.values()) - sum(broken[promise] for promise in kept.values())
    special = ", ".join(f"{counts[name]} {name}" for name in sorted(set(counts) - {"plans", "clips"}))
    return [
        Figure("random transcripts", f"{counts['plans']} plans with {counts['clips']} clips; {special}"),
        *(
            Figure(f"random transcripts: plans with {what}", f"{broken[promise]}", "0", broken[promise] == 0)
            for what, promise in kept.items()
        ),
        Figure("random transcripts: plans with anything else wrong", f"{rest}", "0", rest == 0),
    ]


def _speed(some: Sequence[Talk]) -> list[Figure]:
    figures: list[Figure] = []
    for hours, shortest, longest in ((1, 15.0, 60.0), (3, 15.0, 60.0), (1, CLIP_SECONDS_FLOOR, CLIP_SECONDS_LIMIT)):
        joined = _end_to_end(some, hours * HOUR_SECONDS)
        options = JobOptions(target_clips=CLIPS_LIMIT, clip_min_seconds=shortest, clip_max_seconds=longest)
        began = time.process_time()
        plan = plan_of(Material(joined.media, joined.transcript, joined.scenes, options))
        seconds = time.process_time() - began
        wanted = WANTED_SECONDS * hours
        figures.append(
            Figure(
                f"{hours} h of talk, {len(joined.transcript.segments)} sentences, clips of {shortest:g} s to "
                f"{longest:g} s: from documents to {len(plan.clips)} clips and {len(plan.reserve)} in reserve",
                f"{seconds:.2f} s",
                f"< {wanted:g} s",
                seconds < wanted,
            )
        )
        if hours == 1 and longest < CLIP_SECONDS_LIMIT:
            figures.append(_precision(joined, [(clip.start, clip.end) for clip in plan.clips]))
    return figures


def _precision(joined: Talk, clips: Sequence[Clip]) -> Figure:
    right = sum(any(overlap([clip], highlight) >= HIT_OVERLAP for highlight in joined.planted) for clip in clips)
    return Figure(
        f"of these {len(clips)}, how many are among the {len(joined.planted)} planted highlights of that hour",
        f"{right}",
    )


def _end_to_end(some: Sequence[Talk], seconds: float) -> Talk:
    """Return a talk of at least `seconds` that repeats all of `some` one after the other."""
    segments: list[Segment] = []
    levels: list[int] = []
    planted: list[Planted] = []
    edges = [0.0]
    while len(levels) < seconds:
        for talk in some:
            if len(levels) >= seconds:
                break
            offset = float(len(levels))
            segments += [later(segment, offset) for segment in talk.transcript.segments]
            levels += talk.transcript.levels
            edges += [shot.start + offset for shot in talk.scenes.shots if shot.start + offset > edges[-1]]
            planted += [Planted(each.start + offset, each.end + offset, each.form) for each in talk.planted]
    duration = float(len(levels))
    shots = tuple(Shot(start=one, end=other) for one, other in pairwise([*edges, duration]))
    transcript = Transcript(language="en", duration=duration, segments=tuple(segments), levels=tuple(levels))
    media, scenes = replace(some[0].media, duration=duration), replace(some[0].scenes, shots=shots)
    return Talk("all", "all", media, transcript, scenes, tuple(planted))


def later(segment: Segment, seconds: float) -> Segment:
    """Return `segment` so many seconds later."""
    words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words)
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)


def corpus_talk(corpus: Path, name: str) -> Talk:
    """Return a file of the development corpus as a talk: words and shots from its truth, loudness from its sound."""
    truth = msgspec.json.decode((corpus / f"{name}.truth.json").read_bytes())
    segments = tuple(_segment(sentence) for sentence in truth["sentences"])
    duration = truth["duration"]
    return Talk(
        name=name,
        group="corpus",
        media=MediaFacts(
            stem=name, title=name, container="mp4", duration=duration, size_bytes=1, origin=Origin.UPLOAD,
            video=VideoFacts(codec="h264", width=truth["width"], height=truth["height"]),
        ),
        transcript=Transcript(
            language="en", duration=duration, segments=segments, levels=_levels(corpus / f"{name}.mp4")
        ),
        scenes=Scenes(
            shots=tuple(Shot(start=shot["start"], end=shot["end"]) for shot in truth["shots"]),
            detector="truth",
            frame_rate=truth["fps"],
        ),
        planted=tuple(Planted(each["start"], each["end"]) for each in truth["highlights"]),
    )  # fmt: skip


def _segment(sentence: dict[str, object]) -> Segment:
    """Return a sentence of the truth, its words spread over it by their letters."""
    start, end, text = float(str(sentence["start"])), float(str(sentence["end"])), str(sentence["text"])
    step = (end - start) / sum(map(len, text.split()))
    words: list[Word] = []
    for each in text.split():
        words.append(Word(text=each, start=start, end=start + step * len(each)))
        start = words[-1].end
    return Segment(text=text, start=words[0].start, end=end, words=tuple(words), speaker=str(sentence["speaker"]))


def _levels(path: Path) -> tuple[int, ...]:
    """Return the mean power of each second of a file's sound, whole dBFS."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND_RATE)
        parts = [
            part.to_ndarray().reshape(-1) for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]
    sound = np.concatenate(parts).astype(np.float64)
    seconds = [sound[at : at + SOUND_RATE] for at in range(0, len(sound), SOUND_RATE)]
    powers = [float(np.mean(each**2)) for each in seconds]
    return tuple(max(round(10 * np.log10(power)), SILENCE_DBFS) if power else SILENCE_DBFS for power in powers)
