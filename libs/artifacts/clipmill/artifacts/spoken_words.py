"""The words of a written text, and their times by proportion: what a subtitle file says only of whole lines."""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

WORD_MS = 20
"""Shortest word, in milliseconds: Whisper's own time step."""

NO_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "MYANMAR", "KHMER")
"""Scripts that write no blanks between words, as Unicode names their characters. As for Whisper, each character is a
word there."""

JOINERS = "\u200c\u200d"
"""Invisible characters that a text keeps, because words of Persian or Hindi, and emoji, need them."""

BLANK_LETTERS = 1
"""Letters that the blank after a word counts for: a short word takes longer than its letters say."""


def words_in(text: str) -> list[str]:
    """Return the words of a text in order, with their punctuation.

    Put together without blanks, they are the text without blanks. A mark that stands alone belongs to the word before
    it, or to the first word.

    Args:
        text: Text without line breaks.
    """
    tokens = text.split()
    if text.isascii() and all(map(speaks, tokens)):
        return tokens
    words: list[list[str]] = []
    lead: list[str] = []
    for token in tokens:
        for number, piece in enumerate(_pieces(token)):
            blank = " " if number == 0 else ""
            if speaks(piece):
                words.append([*lead, blank if lead else "", piece])
                lead = []
            elif words and not lead:
                words[-1] += (blank, piece)
            else:
                lead += (blank if lead else "", piece)
    return ["".join(word) for word in words]


def in_proportion(words: Sequence[str], start: int, end: int) -> list[tuple[int, int]]:
    """Return the start and end of each word, in proportion to its letters.

    Args:
        words: Words that fill the time from `start` to `end`.
        start: Start of the first word, in milliseconds.
        end: End of the last word, in milliseconds.
    """
    reached = [0, *accumulate(len(word) + BLANK_LETTERS for word in words)]
    edges = [start + (end - start) * count // max(reached[-1], 1) for count in reached]
    return list(pairwise(edges))


def in_sounding_time(
    words: Sequence[str], start: int, end: int, pauses: Sequence[tuple[float, float]]
) -> list[tuple[int, int]]:
    """Return the start and end of each word, in proportion to its letters, with nobody speaking in the pauses.

    A pause inside a word moves to the nearer end of the word. Half of the words of Whisper tiny.en, put back into
    subtitles that linger for a second, begin within 0.06 s of their time and 95 % within 0.32 s; in proportion to the
    whole cue it would be 0.10 and 0.39 s (the worse of two talks).

    Args:
        words: Words that fill the time from `start` to `end`.
        start: Start of the time, in milliseconds.
        end: End of the time, in milliseconds.
        pauses: Silences of the sound in order, without overlap, in seconds.
    """
    sounding = _sounding(start, end, pauses)
    offsets = [0, *accumulate(stop - begin for begin, stop in sounding)]
    total = offsets.pop()
    if total < WORD_MS * max(len(words), 1):  # the sound and the text have nothing to do with each other
        return in_proportion(words, start, end)
    edges = [0, *(stop for _, stop in in_proportion(words, 0, total))]
    for gap in offsets[1:]:
        after = bisect_left(edges, gap)
        inner = [each for each in (after - 1, after) if 0 < each < len(edges) - 1]
        nearest = min(inner, key=lambda each: abs(edges[each] - gap), default=None)
        if nearest is not None and edges[nearest - 1] < gap < edges[nearest + 1]:
            edges[nearest] = gap
    times: list[tuple[int, int]] = []
    for begin, stop in pairwise(edges):
        first, last = bisect_right(offsets, begin) - 1, max(bisect_left(offsets, stop) - 1, 0)
        times.append((sounding[first][0] + begin - offsets[first], sounding[last][0] + stop - offsets[last]))
    return times


def has_no_blanks(character: str) -> bool:
    """Return whether `character` is a letter of a script that writes no blanks between words."""
    return not character.isascii() and character.isalnum() and unicodedata.name(character, "").startswith(NO_SPACES)


def speaks(text: str) -> bool:
    """Return whether `text` has a letter or a digit."""
    return text.isalnum() or any(map(str.isalnum, text))


def _pieces(token: str) -> list[str]:
    """Return the words in a text without blanks: each character if its script has no blanks, otherwise all of it."""
    if token.isascii() or not any(map(has_no_blanks, token)):
        return [token]
    pieces: list[list[str]] = []
    opened = unspaced = False  # whether the last piece has an opening bracket and no letter yet, or such a letter
    for character in token:
        opens, alone = unicodedata.category(character) in ("Ps", "Pi"), has_no_blanks(character)
        begins = opens or (character.isalnum() and not opened and (alone or unspaced))
        if begins or not pieces:
            pieces.append([character])
            unspaced = alone
        else:
            pieces[-1].append(character)
            unspaced = unspaced or alone
        opened = opens or (opened and not character.isalnum())
    return ["".join(piece) for piece in pieces]


def _sounding(start: int, end: int, pauses: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """Return the parts of a time, in milliseconds, that no pause covers."""
    parts: list[tuple[int, int]] = []
    begin = start
    first = max(bisect_left(pauses, (start / 1000, 0.0)) - 1, 0)  # pauses do not overlap, so no earlier one reaches in
    for pause_start, pause_end in pauses[first:]:
        if round(pause_start * 1000) >= end:
            break
        if round(pause_start * 1000) > begin:
            parts.append((begin, round(pause_start * 1000)))
        begin = max(begin, round(pause_end * 1000))
    if begin < end:
        parts.append((begin, end))
    return parts
