"""Words grouped into segments, each about a sentence."""

from collections.abc import Sequence

from clipmill.contracts.documents import Segment
from clipmill.transcriber.recognising.words import TimedWord

PAUSE_SECONDS = 1.2
"""Silence that ends a segment even without a full stop, because recognisers forget punctuation."""

BREATH_SECONDS = 0.35
"""Silence that ends a segment longer than `LONG_SEGMENT_SECONDS`."""

LONG_SEGMENT_SECONDS = 12.0
"""Length, about three long sentences, from which a breath ends a segment."""

LONGEST_SEGMENT_SECONDS = 30.0
"""Longest segment."""

_ENDS = (".", "?", "!", "…", "\u3002", "\uff1f", "\uff01", "\u061f", "\u0964")
_CLOSERS = "\"'\u201d\u2019\u00bb)]\u300d\u300f"
_ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "e.g.", "i.e.", "no."})


def group(words: Sequence[TimedWord], speakers: Sequence[str]) -> tuple[Segment, ...]:
    """Return the words in segments, each of one speaker.

    Args:
        words: Words in order, without overlap.
        speakers: Speaker of each word; empty if unknown.
    """
    segments: list[Segment] = []
    current: list[TimedWord] = []
    said_by = ""
    for timed, speaker in zip(words, speakers, strict=True):
        if current and (speaker != said_by or _ends_before(current, timed)):
            segments.append(_segment(current, said_by))
            current = []
        current.append(timed)
        said_by = speaker
    if current:
        segments.append(_segment(current, said_by))
    return tuple(segments)


def _ends_before(current: Sequence[TimedWord], following: TimedWord) -> bool:
    """Return whether a segment of the words `current` ends before `following`."""
    last = current[-1].word
    pause = following.word.start - last.end
    length = last.end - current[0].word.start
    return (
        _ends_sentence(last.text)
        or pause >= PAUSE_SECONDS
        or (length >= LONG_SEGMENT_SECONDS and pause >= BREATH_SECONDS)
        or following.word.end - current[0].word.start > LONGEST_SEGMENT_SECONDS
    )


def _ends_sentence(text: str) -> bool:
    bare = text.rstrip(_CLOSERS)
    if not bare.endswith(_ENDS) or bare.lower() in _ABBREVIATIONS:
        return False
    return not (len(bare) == 2 and bare[0].isupper() and bare != "I.")  # an initial: "J."


def _segment(words: Sequence[TimedWord], speaker: str) -> Segment:
    text = "".join(timed.word.text if timed.glued else f" {timed.word.text}" for timed in words).strip()
    return Segment(
        text=text,
        start=words[0].word.start,
        end=words[-1].word.end,
        words=tuple(timed.word for timed in words),
        speaker=speaker,
    )
