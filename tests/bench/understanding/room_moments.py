"""The picked clips of spoken transcripts, with the sounds of the room as the transcriber hears them, and without.

The analyzer's model of audiences is learned without these transcripts.

A reaction belongs to a clip if it falls between 1 s after the clip's start and 2.5 s after its end. The way to the best
is the share of the way from random windows to the best possible ones of the same lengths, in reactions per second.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import Audience
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import sentences_of, words_of
from clipmill.contracts.documents import MediaFacts, Origin, Plan, Scenes, Segment, Shot, Transcript, VideoFacts
from clipmill.contracts.options import JobOptions
from clipmill.contracts.sounds import Sounds
from clipmill.transcriber.hearing.audio import RATE, Samples
from figures import Figure

from understanding.room_mixing import ROOMS, Hand, Performance, performed, recorded
from understanding.room_talks import HELD_OUT, Talk, learn

CLIPS = 2
"""Clips of five minutes."""

QUIET_BEGINNING, LATE = 1.0, 2.5
"""Seconds after a clip's start, and after its end, between which a reaction is one to the clip."""

RANDOM_ROUNDS = 60

LEAST_WAY = 0.6


class Way(NamedTuple):
    """Reactions per second, as multiples of those of the whole talk."""

    seen: float
    random: float
    best: float


def measured(
    sounds_of: Callable[[Samples], Sounds],
    talks: Sequence[Talk],
    hand: Hand,
    reactions: Path,
) -> list[Figure]:
    """Return how good the clips are with the sounds of a quiet room, and whether they change where nobody reacts.

    Args:
        sounds_of: The transcriber's hearing.
        talks: Spoken talks.
        hand: Hand that deals the reactions.
        reactions: Folder of the transcripts.
    """
    audience = _audience(reactions)
    voices, tune = talks[0].sounds[0], np.zeros(1, np.float32)
    ways: dict[str, list[Way]] = {"with the sounds of the room": [], "without": []}
    same = 0
    for seed, talk in enumerate(talks):
        performance = performed(talk, hand)
        sounds = sounds_of(recorded(performance, ROOMS[0], voices, tune, seed))
        for heard, found in zip((sounds, None), ways.values(), strict=True):
            clips = [(clip.start, clip.end) for clip in plan(performance, heard, audience).clips]
            found.append(way(performance, clips, talk.name))
        alone = performed(talk, None)
        heard = sounds_of(recorded(alone, ROOMS[0], voices, tune, seed))
        same += plan(alone, heard, audience) == plan(alone, None, audience)
    figures = [
        Figure(
            f"clips {label}, {len(found)} transcripts: lift, of random windows, of the best; way to the best",
            f"{_mean(found, 0):.2f}, {_mean(found, 1):.2f}, {_mean(found, 2):.2f}; {_share(found):.2f}",
            f"≥ {LEAST_WAY}" if found is ways["with the sounds of the room"] else "",
            _share(found) >= LEAST_WAY if found is ways["with the sounds of the room"] else None,
        )
        for label, found in ways.items()
    ]
    unchanged = Figure(
        "plans of the same talks without reactions that the sounds leave as they are",
        f"{same} of {len(talks)}",
        "all",
        same == len(talks),
    )
    return [*figures, unchanged]


def _audience(reactions: Path) -> Audience:
    fold = learn.folds()
    table = learn.Table(one for kind in learn.KINDS for one in learn.recordings(reactions, kind))
    return Audience.read(table.learned({name for name in fold if fold[name] != HELD_OUT}))


def _mean(ways: Sequence[Way], place: int) -> float:
    return fmean(one[place] for one in ways)


def _share(ways: Sequence[Way]) -> float:
    return (_mean(ways, 0) - _mean(ways, 1)) / (_mean(ways, 2) - _mean(ways, 1))


def plan(performance: Performance, sounds: Sounds | None, audience: Audience) -> Plan:
    """Return the plan of a performance.

    Args:
        performance: Performance, whose words are known.
        sounds: Sounds of the room, None if nobody listened.
        audience: Learned model of audiences.
    """
    length = len(performance.speech) / RATE
    video = VideoFacts(codec="h264", width=1920, height=1080)
    media = MediaFacts(
        stem="t", title="t", container="mp4", duration=length, size_bytes=1, origin=Origin.UPLOAD, video=video
    )
    scenes = Scenes(shots=(Shot(start=0.0, end=length),), detector="none", frame_rate=25.0)
    transcript = transcript_of(performance, sounds)
    return plan_of(Material(media, transcript, scenes, JobOptions(target_clips=CLIPS), audience))


def transcript_of(performance: Performance, sounds: Sounds | None) -> Transcript:
    """Return the transcript of a performance, with a segment for each turn of a speaker."""
    turns: list[list[int]] = []
    for index, (_, speaker) in enumerate(performance.words):
        if turns and performance.words[turns[-1][-1]][1] == speaker:
            turns[-1].append(index)
        else:
            turns.append([index])
    segments = []
    for turn in turns:
        words = tuple(performance.words[index][0] for index in turn)
        text = " ".join(word.text for word in words)
        speaker = performance.words[turn[0]][1]
        segments.append(Segment(text=text, start=words[0].start, end=words[-1].end, words=words, speaker=speaker))
    length = len(performance.speech) / RATE
    return Transcript(language="en", duration=length, segments=tuple(segments), sounds=sounds)


def way(performance: Performance, clips: Sequence[tuple[float, float]], name: str) -> Way:
    """Return how many reactions are in the clips, in random windows and in the best possible ones.

    Args:
        performance: Performance with reactions.
        clips: Start and end of each clip, in seconds.
        name: Seed of the random windows.
    """
    marks = [one.start for one in performance.laid]
    length = len(performance.speech) / RATE
    sentences = sentences_of(words_of(transcript_of(performance, None), length))
    starts = [sentence.start for sentence in sentences]
    chance = random.Random(name)
    lengths = [end - start for start, end in clips]
    rate = len(marks) / length * sum(lengths)
    by_chance = 0
    for _ in range(RANDOM_ROUNDS):
        for seconds in lengths:
            start = chance.choice([one for one in starts if one + seconds <= length])
            by_chance += _inside(marks, start, start + seconds)
    best, taken = 0, []
    for seconds in lengths:
        found, start = max(
            (_inside(marks, one, one + seconds), one)
            for one in starts
            if one + seconds <= length and all(one >= end or one + seconds <= begin for begin, end in taken)
        )
        best += found
        taken.append((start, start + seconds))
    return Way(
        sum(_inside(marks, start, end) for start, end in clips) / rate, by_chance / RANDOM_ROUNDS / rate, best / rate
    )


def _inside(marks: Sequence[float], start: float, end: float) -> int:
    return sum(start + QUIET_BEGINNING < mark <= end + LATE for mark in marks)
