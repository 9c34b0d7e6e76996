"""Reading of subtitle files: SubRip and WebVTT as editors, platforms and recognisers write them.

Both are read line by line and leniently: only a line of times that cannot be understood is an error. A cue that ends
before it begins lasts as long as its words. No library is used because none that we know keeps voices and word times,
or takes the repeated lines out of scrolling captions.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from clipmill.artifacts.spoken_words import JOINERS, in_proportion, speaks, words_in
from clipmill.contracts.documents import Segment, Word

CUES_LIMIT = 30_000
"""The most cues of a file: two a second in four hours, the longest video by default; YouTube's captions have one a
second. As many take a second and a half to read."""

MARKED_LIMIT = 4_000_000
"""The most characters of all cues with their tags: twice those of YouTube's captions of four hours of fast talk."""

CUE_LIMIT = 100_000
"""The most characters of a cue with its tags: more than an hour of talk. A regular expression keeps Python's lock while
it works, 10 ms for a text of this length."""

HEADER = "WEBVTT"
"""The first word of a WebVTT file; some programs write it in other capitals than the standard."""

TIMES_LETTERS = 300
"""The characters of a line in which times and their settings are sought."""

SPEAKER_LETTERS = 60
"""The most characters of a speaker's label: a full name."""

TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{TIME}[ \t]*-->[ \t]*{TIME}(?:\s.*)?")
_MISTYPED_TIMES = re.compile(r"\s*(?:\d+:)?\d+:\d+[.,]\d+[^\w:]{1,8}(?:\d+:)?\d+:\d+[.,]\d+\s*")
"""Two times to the millisecond, which nobody says, without a proper arrow between them: word processors make others."""

_STARTS_LIKE_TIMES = re.compile(r"\s*-?\d.*", re.DOTALL)
_INLINE_TIME = re.compile(rf"<{TIME}>")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>")
_TAG = re.compile(r"</?(?:c|i|b|u|s|v|lang|ruby|rt|rp|font|span)(?:[.\s][^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_READING = re.compile(
    r"<(r[tp])(?:[.\s][^<>]*)?>(?:(?!<r[tp][.\s>]).)*?(?:</\1>|(?=</ruby>|<r[tp][.\s>]))", re.IGNORECASE | re.DOTALL
)
"""The reading of ideographs, which stands above them, and the brackets that some files put around it."""

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLOCKS = ("NOTE", "STYLE", "REGION")

CARRIED_SHARE = 0.5
"""Share of the cues with several lines that must begin with the last line of the cue before for a file to count as
scrolling captions: all of them do in YouTube's, and none in other files."""

CARRIED_LEAST = 2
"""Fewest such cues, because one alone may be a word that was said twice."""


class UnreadableSubtitles(Exception):
    """A file that cannot be read; the message is a clause that says why."""


@dataclass(slots=True)
class RawCue:
    """A cue as it is written.

    Attributes:
        start: Start, in milliseconds.
        end: End, in milliseconds.
        line: Number of its line of times, from 1.
        lines: Lines of its text that are not blank, with their tags.
    """

    start: int
    end: int
    line: int
    lines: list[str] = field(default_factory=list)


def read_subtitles(text: str) -> tuple[str, list[Segment]]:
    """Return the language that the file names, empty if none, and its cues, as they are written and in their order.

    A cue has words only if the file has times of words. Cues without a letter or digit are left out.

    Args:
        text: Content of the file, without a byte order mark.

    Raises:
        UnreadableSubtitles: The file has no cues, too many, or times that cannot be understood.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    is_vtt = text[: len(HEADER)].upper() == HEADER
    raw = list(_raw_cues(lines, is_vtt=is_vtt))
    if not raw:
        raise UnreadableSubtitles("has no cue, a line such as 00:00:01.000 --> 00:00:04.000 with text under it")
    if _scrolls(raw):
        _drop_carried_lines(raw)
    return _language(lines) if is_vtt else "", [segment for cue in raw for segment in _segments(cue)]


def milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    """Return a time, in milliseconds, of its parts as they are written."""
    return (
        int(hours or 0) * 3_600_000 + int(minutes) * 60_000 + int(seconds) * 1000 + int((fraction or "0").ljust(3, "0"))
    )


def _is_time(hours: str | None, minutes: str, seconds: str) -> bool:
    """Return whether the parts are those of a time; minutes may go on beyond 59 where there are no hours."""
    return int(seconds) < 60 and (hours is None or int(minutes) < 60)


def _bad_times(number: int) -> UnreadableSubtitles:
    return UnreadableSubtitles(f"has times that cannot be understood, in line {number}")


def _raw_cues(lines: Sequence[str], *, is_vtt: bool) -> Iterator[RawCue]:
    """Yield the cues of a file.

    In SubRip, the text goes on to the next times, because editors leave blank lines in it. In WebVTT it ends at a blank
    line, after which a name, a note or a style may stand.
    """
    cue: RawCue | None = None
    count, taken, letters, before = 0, False, 0, 0
    for number, line in enumerate(lines, 1):
        arrow = "-->" in line[:TIMES_LETTERS]
        if arrow and (match := _TIMES.fullmatch(line[:TIMES_LETTERS])) is not None:
            if cue is not None:
                yield cue
            count, before = count + 1, letters
            if count > CUES_LIMIT:
                raise UnreadableSubtitles(f"has more than {CUES_LIMIT} cues")
            parts = match.groups()
            if not (_is_time(*parts[:3]) and _is_time(*parts[4:7])):
                raise _bad_times(number)
            start, end = milliseconds(*parts[:4]), milliseconds(*parts[4:])
            cue, taken = RawCue(start, max(start, end), number), True
        elif (_STARTS_LIKE_TIMES if arrow else _MISTYPED_TIMES).fullmatch(line[:TIMES_LETTERS]):
            raise _bad_times(number)
        elif cue is not None:
            if not line.strip():
                # A blank first line is one of YouTube's, whose blank has been trimmed.
                taken = taken and (not is_vtt or bool(line) or not cue.lines)
            elif taken and not _names_next(lines, number) and not (is_vtt and _begins_block(lines, number)):
                cue.lines.append(line)
                letters += len(line)
                if letters > MARKED_LIMIT or letters - before > CUE_LIMIT:
                    raise UnreadableSubtitles(f"has too much text for subtitles, in line {number}")
            elif is_vtt:
                taken = False
    if cue is not None:
        yield cue


def _names_next(lines: Sequence[str], number: int) -> bool:
    """Return whether line `number`, from 1, is the name of the next cue, after a blank line, or its number."""
    following = lines[number] if number < len(lines) else ""
    named = not lines[number - 2].strip() or lines[number - 1].strip().isdecimal()
    return named and _TIMES.fullmatch(following[:TIMES_LETTERS]) is not None


def _begins_block(lines: Sequence[str], number: int) -> bool:
    line = lines[number - 1]
    return not lines[number - 2].strip() and line.split(maxsplit=1)[0] in _BLOCKS


def _language(lines: Sequence[str]) -> str:
    """Return the language in the header of a WebVTT file, as YouTube writes it, empty if there is none."""
    for line in lines[1:]:
        if not line.strip():
            return ""
        name, _, value = line.partition(":")
        if name.strip().lower() == "language":
            return value.strip()
    return ""


def _scrolls(cues: Sequence[RawCue]) -> bool:
    """Return whether cues repeat the last line of the cue before and add a line under it."""
    carried = several = timed = 0
    for before, cue in pairwise(cues):
        timed += any(_INLINE_TIME.search(line) for line in cue.lines)
        if len(cue.lines) > 1:
            several += 1
            carried += bool(before.lines) and _plain(before.lines[-1]) == _plain(cue.lines[0])
    return carried >= (1 if timed else CARRIED_LEAST) and carried >= CARRIED_SHARE * several


def _drop_carried_lines(cues: Sequence[RawCue]) -> None:
    """Remove the lines that a cue repeats from the cue before."""
    shown: list[str] = []
    for cue in cues:
        plain = [_plain(line) for line in cue.lines]
        carried = next((n for n in range(min(len(shown), len(plain)), 0, -1) if shown[-n:] == plain[:n]), 0)
        cue.lines = cue.lines[carried:]
        shown = plain or shown


def _segments(cue: RawCue) -> Iterator[Segment]:
    """Yield a segment for each voice of a cue."""
    marked = _READING.sub("", _BREAK.sub(" ", "\n".join(cue.lines)).replace("\n", " "))
    if _INLINE_TIME.search(marked):
        voice = _VOICE.search(marked)
        yield from _timed(cue, marked, _speaker(voice[1]) if voice else "")
        return
    parts = _VOICE.split(marked)
    voices = [
        ("", _plain(parts[0])),
        *((_speaker(name), _plain(said)) for name, said in zip(parts[1::2], parts[2::2], strict=True)),
    ]
    spoken = [(name, said) for name, said in voices if speaks(said)]
    shares = in_proportion([said for _, said in spoken], cue.start, cue.end)
    for (name, said), (start, end) in zip(spoken, shares, strict=True):
        yield Segment(text=said, start=start / 1000, end=end / 1000, speaker=name)


def _timed(cue: RawCue, marked: str, speaker: str) -> Iterator[Segment]:
    """Yield the segment of a cue with times inside its text, each the start of the words after it."""
    parts = _INLINE_TIME.split(marked)
    starts = [cue.start, *(milliseconds(*parts[at : at + 4]) for at in range(1, len(parts), 5))]
    starts = [min(max(start, cue.start), cue.end) for start in starts]
    texts = [_plain(part) for part in parts[::5]]
    words: list[Word] = []
    for text, start, end in zip(texts, starts, [*starts[1:], cue.end], strict=True):
        said = words_in(text)
        for word, (begin, stop) in zip(said, in_proportion(said, start, max(start, end)), strict=True):
            words.append(Word(text=word, start=begin / 1000, end=stop / 1000))
    whole = _plain(_INLINE_TIME.sub("", marked))
    if [word.text for word in words] != words_in(whole):  # a time inside a word, or before a mark
        words = []
    if speaks(whole):
        yield Segment(text=whole, start=cue.start / 1000, end=cue.end / 1000, words=tuple(words), speaker=speaker)


def _plain(text: str) -> str:
    """Return a text without tags, with its entities as characters and single blanks."""
    return tidy_text(html.unescape(_TAG.sub("", _VOICE.sub("", _INLINE_TIME.sub("", text)))))


def _speaker(name: str) -> str:
    return speaker_label(html.unescape(name))


def speaker_label(name: str) -> str:
    """Return the label of a speaker on one line, cut to `SPEAKER_LETTERS`, because each sentence repeats it."""
    return tidy_text(name)[:SPEAKER_LETTERS].rstrip()


def tidy_text(text: str) -> str:
    """Return a text on one line, with single blanks and without control characters."""
    if not text.isprintable():
        text = "".join(
            " " if char.isspace() else char for char in text if char.isprintable() or char.isspace() or char in JOINERS
        )
    return " ".join(text.split())
