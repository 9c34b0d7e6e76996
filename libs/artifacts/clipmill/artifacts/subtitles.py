"""Subtitles as WebVTT and SubRip files, and a whole transcript as either of them or as plain text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from clipmill.contracts.documents import Segment, Transcript, Word

CUE_LETTERS = 84
"""Two lines of 42 letters, as the guides of the BBC and Netflix recommend."""

CUE_SECONDS = 7.0
"""Longest duration of a cue of a transcript, by these guides."""

FULL_SHARE = 0.6
"""Share of `CUE_LETTERS` from which on a cue may end at a comma."""

PARAGRAPH_SECONDS = 2.0
"""Silence after which plain text begins a new paragraph."""

CLAUSE_ENDS = (".", "!", "?", "…", ",", ";", ":", "—", "。", "、", "，", "；", "؟", "،", "।")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Cue:
    """Words on the screen.

    Attributes:
        start: Start, in seconds.
        end: End, in seconds.
        text: Text without the markup of any format.
        speaker: Label of the speaker; empty if unknown.
    """

    start: float
    end: float
    text: str
    speaker: str = ""


def webvtt(cues: Iterable[Cue]) -> str:
    """Return cues as a WebVTT file (https://www.w3.org/TR/webvtt1/), for players."""
    blocks = [f"{clock(cue.start)} --> {clock(cue.end)}\n{_voice(cue)}{_escaped(cue.text)}\n" for cue in _visible(cues)]
    return "\n".join(["WEBVTT\n", *blocks])


def srt(cues: Iterable[Cue]) -> str:
    """Return cues as a SubRip file, for editors and platforms that read no other format."""
    blocks = [f"{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n{cue.text}\n" for cue in _visible(cues)]
    return "\n".join(f"{number}\n{block}" for number, block in enumerate(blocks, 1))


def plain_text(transcript: Transcript) -> str:
    """Return the text of a transcript; a paragraph begins with each speaker's turn and after each long silence."""
    paragraphs: list[list[Segment]] = []
    for segment in transcript.segments:
        before = paragraphs[-1][-1] if paragraphs else None
        if before is None or segment.speaker != before.speaker or segment.start - before.end >= PARAGRAPH_SECONDS:
            paragraphs.append([])
        paragraphs[-1].append(segment)
    return "".join(
        f"{part[0].speaker and f'{part[0].speaker}: '}{' '.join(segment.text for segment in part)}\n"
        for part in paragraphs
    )


def cues_of(transcript: Transcript) -> Iterator[Cue]:
    """Yield the cues of a transcript, each short enough to be read; no cue holds parts of two segments."""
    for segment in transcript.segments:
        if not segment.words:
            yield Cue(segment.start, segment.end, segment.text, segment.speaker)
            continue
        places = _places(segment)
        for first, last in _cue_bounds(segment.words, places):
            text = segment.text[places[first][0] : places[last][1]]
            yield Cue(segment.words[first].start, segment.words[last].end, text, segment.speaker)


def clock(seconds: float, point: str = ".") -> str:
    """Return a time as both formats write it.

    Args:
        seconds: Time, in seconds, not negative.
        point: Character before the thousandths; SubRip has a comma there.
    """
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _places(segment: Segment) -> list[tuple[int, int]]:
    """Return the start and end of each word in the segment's text; between words are blanks or nothing."""
    places: list[tuple[int, int]] = []
    reached = 0
    for word in segment.words:
        found = segment.text.find(word.text, reached)
        begin = found if found >= 0 else reached
        reached = min(begin + len(word.text), len(segment.text))
        places.append((begin, reached))
    return places


def _cue_bounds(words: Sequence[Word], places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the first and the last word of each cue."""
    first = 0
    for number, word in enumerate(words[1:], 1):
        letters, seconds = places[number][1] - places[first][0], word.end - words[first].start
        said = places[number - 1][1] - places[first][0]
        clause = words[number - 1].text.endswith(CLAUSE_ENDS) and said >= FULL_SHARE * CUE_LETTERS
        if letters > CUE_LETTERS or seconds > CUE_SECONDS or clause:
            yield first, number - 1
            first = number
    yield first, len(words) - 1


def _visible(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Yield the cues that last at least a thousandth of a second."""
    return (cue for cue in cues if clock(cue.start) != clock(cue.end))


def _voice(cue: Cue) -> str:
    return f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
