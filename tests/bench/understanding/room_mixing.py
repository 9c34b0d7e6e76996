"""Reactions laid into speech, in rooms of different noise, with and without music."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from clipmill.contracts.documents import Word
from clipmill.transcriber.hearing.audio import RATE, Samples

from understanding.room_recordings import active_level
from understanding.room_talks import SPEECH_LEVEL, Piece, Talk

LEAD_SECONDS, PAUSE_SECONDS = 0.5, 0.3
"""Time before the first piece of speech, and between two, in seconds."""

ONSET_SECONDS = 0.2
"""Time between the last word before a reaction and its beginning, in seconds."""

REACTION_DECIBELS = (0.0, -6.0, -12.0)
"""Levels of reactions, to that of speech."""

MUSIC_DECIBELS = -12.0
"""Level of music under speech, to that of speech."""

VOICES = 7
"""Voices of babble."""

REVERBERATION_SECONDS, REVERBERATION_SHARE = 0.6, 0.5
"""Time in which the sound of a hall decays by 60 dB, and its energy, to that of the direct sound."""


class Room(NamedTuple):
    """A room in which somebody speaks at -20 dBFS.

    Attributes:
        name: Name in figures.
        floor: Level of its noise, in dBFS.
        babble: True if the noise is other people's speech, False if it is pink.
        hall: True if the room reverberates.
        music: True if music plays under the speech.
    """

    name: str
    floor: float
    babble: bool = False
    hall: bool = False
    music: bool = False


ROOMS = (
    Room("quiet, -60 dBFS", -60.0),
    Room("pink noise at -40 dBFS", -40.0),
    Room("pink noise at -30 dBFS", -30.0),
    Room("babble at -40 dBFS", -40.0, babble=True),
    Room("babble at -30 dBFS", -30.0, babble=True),
    Room("hall, pink noise at -40 dBFS", -40.0, hall=True),
    Room("quiet, music under the speech", -60.0, music=True),
    Room("babble at -40 dBFS, music", -40.0, babble=True, music=True),
)


class Sound(NamedTuple):
    """A recorded reaction: its kind, name and samples with an active level of 1."""

    kind: str
    name: str
    samples: Samples


class Laid(NamedTuple):
    """A reaction in a talk.

    Attributes:
        kind: Kind of sound in `Sounds`.
        name: Name of its recording.
        decibels: Level, to that of speech.
        waited: True if the speaker waits until it is over, False if the talk goes on over it.
        start: Start, in seconds.
        end: End, in seconds.
    """

    kind: str
    name: str
    decibels: float
    waited: bool
    start: float
    end: float


class Performance(NamedTuple):
    """A talk as it was held.

    Attributes:
        speech: Speech, mono at `RATE`.
        reactions: Reactions alone, as long as the speech.
        laid: Places of the reactions.
        words: Words with their times and speakers.
    """

    speech: Samples
    reactions: Samples
    laid: Sequence[Laid]
    words: Sequence[tuple[Word, str]]


class Hand:
    """A hand that deals recordings, levels and manners in turns, so that all of them meet.

    Args:
        sounds: Recordings.
    """

    def __init__(self, sounds: Sequence[Sound]) -> None:
        self._sounds = {
            "laughter": [one for one in sounds if one.kind == "laughter"],
            "applause": [one for one in sounds if one.kind != "laughter"],
        }
        self._dealt = {"laughter": 0, "applause": 0}

    def deal(self, kind: str) -> tuple[Sound, float, bool]:
        """Return a recording of a kind, its level in decibels, and whether the speaker waits."""
        number, pool = self._dealt[kind], self._sounds[kind]
        self._dealt[kind] += 1
        turn = number // len(pool)
        return pool[number % len(pool)], REACTION_DECIBELS[turn % 3], turn // 3 % 2 == 0


def performed(talk: Talk, hand: Hand | None) -> Performance:
    """Return a talk with reactions at its marks, or without any if there is no hand.

    The speech is at the same times in both cases only where nobody waits, so without a hand nobody does.

    Args:
        talk: Spoken talk.
        hand: Hand that deals the reactions.
    """
    at = LEAD_SECONDS
    quiet_from = 0.0
    placed: list[tuple[float, Samples]] = []
    heard: list[tuple[float, Samples]] = []
    laid: list[Laid] = []
    words: list[tuple[Word, str]] = []
    for piece, sound in zip(talk.pieces, talk.sounds, strict=True):
        for mark in [mark for mark in talk.marks if hand and mark.word == piece.first]:
            one, decibels, waits = hand.deal(mark.kind)
            start = max(at - PAUSE_SECONDS + ONSET_SECONDS, quiet_from)
            end = start + len(one.samples) / RATE
            heard.append((start, one.samples * (SPEECH_LEVEL * 10 ** (decibels / 20))))
            laid.append(Laid(one.kind, one.name, decibels, waits, start, end))
            quiet_from = end + 1.0
            at = max(at, end) if waits else at
        placed.append((at, sound))
        words += _words(piece, at, len(sound) / RATE)
        at += len(sound) / RATE + PAUSE_SECONDS
    length = round((max(at, quiet_from) + 1.0) * RATE)
    return Performance(_track(placed, length), _track(heard, length), laid, words)


def recorded(performance: Performance, room: Room, voices: Samples, music: Samples, seed: int) -> Samples:
    """Return the sound of a performance in a room, mono at `RATE`.

    Args:
        performance: Speech and reactions.
        room: Room.
        voices: Speech of many talks, for babble.
        music: Music, with an active level of 1.
        seed: Seed of the noise.
    """
    chance = np.random.default_rng(seed)
    sound = performance.speech + performance.reactions
    length = len(sound)
    if room.hall:
        echoed = _reverberated(sound, chance)
        sound = echoed * (active_level(sound) / active_level(echoed))
    noise = _babble(voices, length, chance) if room.babble else _pink(length, chance)
    sound = sound + noise * 10 ** (room.floor / 20)
    if room.music:
        sound = sound + np.resize(music, length) * (SPEECH_LEVEL * 10 ** (MUSIC_DECIBELS / 20))
    return np.clip(sound, -1.0, 1.0).astype(np.float32)


def _words(piece: Piece, start: float, seconds: float) -> list[tuple[Word, str]]:
    step = seconds / sum(len(word) + 1 for word in piece.words)
    at, found = start, []
    for text in piece.words:
        end = at + (len(text) + 1) * step
        found.append((Word(text=text, start=round(at, 3), end=round(at + (end - at) * 0.95, 3)), piece.speaker))
        at = end
    return found


def _track(placed: Iterable[tuple[float, Samples]], length: int) -> Samples:
    track = np.zeros(length, np.float32)
    for start, sound in placed:
        first = round(start * RATE)
        track[first : first + len(sound)] += sound
    return track


def _pink(length: int, chance: np.random.Generator) -> Samples:
    spectrum = np.fft.rfft(chance.normal(size=length))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)
    return (noise / noise.std()).astype(np.float32)


def _babble(voices: Samples, length: int, chance: np.random.Generator) -> Samples:
    starts = chance.integers(len(voices), size=VOICES)
    noise = np.sum([np.resize(np.roll(voices, -start), length) for start in starts], axis=0)
    return (noise / noise.std()).astype(np.float32)


def _reverberated(sound: Samples, chance: np.random.Generator) -> Samples:
    count = round(REVERBERATION_SECONDS * RATE)
    answer = chance.normal(size=count) * 10 ** (-3 * np.arange(count) / count)
    answer *= np.sqrt(REVERBERATION_SHARE / np.sum(answer**2))
    answer[0] = 1.0
    size = 1 << (len(sound) + count - 1).bit_length()
    echoed = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(answer, size), size)
    return echoed[: len(sound)].astype(np.float32)
