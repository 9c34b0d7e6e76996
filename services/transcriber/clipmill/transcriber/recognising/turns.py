"""The speaker of each word."""

from collections.abc import Sequence
from typing import NamedTuple

from clipmill.transcriber.recognising.words import TimedWord

NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Names of the speakers in the order in which they first speak; speakers after Z get a number."""

LONE_WORDS = 2
"""Most words of another speaker that are given to the speaker around them: the edge of a turn is known to about a word,
and an "mhm" must not cut a sentence in two."""


class Turn(NamedTuple):
    """The time in which somebody speaks, in seconds; turns may overlap."""

    start: float
    end: float
    speaker: str


def speakers_of(words: Sequence[TimedWord], turns: Sequence[Turn]) -> list[str]:
    """Return the speaker of each word: the one who speaks most of it, or has the nearest turn; empty without turns.

    Args:
        words: Words in order.
        turns: Turns in any order, with speakers of any name.
    """
    found = [_speaker(timed.word.start, timed.word.end, turns) for timed in words]
    names: dict[str, str] = {}
    for speaker in (smoothed := _smoothed(found)):
        if speaker:
            names.setdefault(speaker, _name(len(names)))
    return [names.get(speaker, "") for speaker in smoothed]


def _speaker(start: float, end: float, turns: Sequence[Turn]) -> str:
    shares: dict[str, float] = {}
    for turn in turns:
        shares[turn.speaker] = shares.get(turn.speaker, 0.0) + max(0.0, min(end, turn.end) - max(start, turn.start))
    best = max(shares, key=lambda speaker: shares[speaker], default="")
    if best and not shares[best]:
        return min(turns, key=lambda turn: max(turn.start - end, start - turn.end)).speaker
    return best


def _smoothed(speakers: Sequence[str]) -> list[str]:
    """Return the speakers of words without interjections of up to `LONE_WORDS` words."""
    runs: list[list[str]] = []
    for speaker in speakers:
        if runs and runs[-1][0] == speaker:
            runs[-1].append(speaker)
        else:
            runs.append([speaker])
    said: list[str] = []
    for number, run in enumerate(runs):
        inside = 0 < number < len(runs) - 1 and runs[number + 1][0] == said[-1]
        said += [said[-1]] * len(run) if inside and len(run) <= LONE_WORDS else run
    return said


def _name(number: int) -> str:
    return NAMES[number] if number < len(NAMES) else str(number + 1)
