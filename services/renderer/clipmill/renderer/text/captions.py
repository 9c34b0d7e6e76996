"""The text and times of captions: a transcript's words become chunks of a few words, shown one at a time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from clipmill.artifacts.subtitles import Cue
from clipmill.contracts.documents import Segment, Word
from clipmill.contracts.swear_words import masked, masked_words
from clipmill.renderer.text.scripts import (
    has_kana,
    inside_japanese_word,
    joined,
    joins_left,
    joins_right,
    pieces,
    unspaced,
    wide,
)
from msgspec.structs import replace

MOST_WORDS = 5
"""Most words in a chunk: more are not read at once."""

BEST_WORDS = 3.5
"""Preferred number of words in a chunk, if nothing else decides."""

PAUSE_SECONDS = 0.6
"""Longest silence within a chunk, and the longest for which a chunk stays until the next one."""

LINGER_SECONDS = 0.4
"""Time for which a chunk stays after its last word if no chunk follows soon."""

SHORTEST_SECONDS = 0.7
"""Spoken time below which a chunk should be joined to another."""

SENTENCE_ENDS = frozenset(".!?…。！？؟।")  # noqa: RUF001  # full-width marks are meant
CLAUSE_ENDS = frozenset(",;:—–，、；：،؛")  # noqa: RUF001
CLOSERS = "\"'”’»)]」』）"  # noqa: RUF001
"""Marks that may follow the end of a sentence."""

FLASH_SECONDS = 0.06
"""Time below which nobody sees a chunk: two frames at 30 per second."""

UNSPACED_LETTER = {True: 1 / 3, False: 1 / 5}
"""Words that a character counts for in scripts without blanks: East Asian ones (True), and others (Thai, Khmer)."""

LONGEST_UNSPACED = 4
"""Most characters of a word in scripts without blanks; a longer one is divided into several words."""

MOST_UNITS = 25
"""Most units in a chunk: five words of five letters that came one by one."""

IMPOSSIBLE = float("inf")

Fits = Callable[[Sequence[str]], bool]
"""A function that returns whether words have room in a caption at full size."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few words that are shown together.

    Attributes:
        words: Words in order, with times in seconds from the clip's start.
        start: Time at which the chunk appears.
        end: Time at which the chunk disappears.
    """

    words: tuple[Word, ...]
    start: float
    end: float

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the texts of the words."""
        return tuple(word.text for word in self.words)

    def active(self, time: float) -> int:
        """Return the index of the word being said at `time`: the last one that has begun, 0 before the first."""
        begun = [index for index, word in enumerate(self.words) if word.start <= time]
        return begun[-1] if begun else 0

    def said(self, word: int, time: float) -> float:
        """Return the share of a word that has been said at `time`, 0 to 1."""
        begun, ended = self.words[word].start, self.words[word].end
        if ended <= begun:
            return float(time >= begun)
        return min(1.0, max(0.0, (time - begun) / (ended - begun)))


def clip_words(segments: Iterable[Segment], start: float, end: float) -> list[list[Word]]:
    """Return the words that are said between `start` and `end`, sentence by sentence, in seconds from `start`.

    A word belongs to the clip if its middle does. The words of a segment without word times get times in proportion to
    their lengths: a little late is better than missing.

    Args:
        segments: Segments of the transcript, in order.
        start: Start of the clip, in seconds of the source.
        end: End of the clip, in seconds of the source.
    """
    spoken = [segment.words or _spread(segment) for segment in segments]
    begins = [word.start for words in spoken for word in words]
    following = iter([*begins[1:], float("inf")])
    sentences: list[list[Word]] = []
    latest = 0.0
    for words in spoken:
        sentence: list[Word] = []
        for word in words:
            # A word whose end is in the next one is cut there: pushing the next one back would delay all others.
            until = next_begin if (next_begin := next(following)) > word.start else word.end
            text = " ".join(word.text.split())
            if text and start <= (word.start + word.end) / 2 < end:
                begin = max(latest, word.start - start)
                latest = max(begin, min(word.end, until, end) - start)
                sentence.append(Word(text=text, start=begin, end=latest, score=word.score))
        if sentence:
            sentences.append(sentence)
    return sentences


def masked_segments(segments: Iterable[Segment], language: str) -> list[Segment]:
    """Return `segments` with their swear words masked; all times stay.

    Args:
        segments: Segments of the transcript.
        language: ISO 639-1 code of the speech; empty if unknown.
    """
    return [
        replace(
            segment,
            text=masked(segment.text, language),
            words=tuple(
                replace(word, text=text)
                for word, text in zip(
                    segment.words, masked_words([word.text for word in segment.words], language), strict=True
                )
            ),
        )
        for segment in segments
    ]


def chunks(sentences: Iterable[Sequence[Word]], fits: Fits, length: float) -> list[Chunk]:
    """Return the chunks of a clip in order, none overlapping the next.

    Args:
        sentences: Words of each sentence, with times in seconds from the clip's start.
        fits: Function that returns whether several words have room together.
        length: Length of the clip, in seconds.
    """
    units = [_units(words) for words in sentences]
    groups = [group for words in units for phrase in _phrases(words) for group in _divided(phrase, fits)]
    made: list[Chunk] = []
    for index, group in enumerate(groups):
        spoken = group[-1].end
        following = groups[index + 1][0].start if index + 1 < len(groups) else length
        end = following if following - spoken <= PAUSE_SECONDS else spoken + LINGER_SECONDS
        made.append(Chunk(tuple(group), group[0].start, min(end, length)))
    return _merge_flashes(made)


def _merge_flashes(made: Iterable[Chunk]) -> list[Chunk]:
    """Join chunks too short to be seen to their neighbours, to lose no word."""
    kept: list[Chunk] = []
    waiting: tuple[Word, ...] = ()
    for chunk in made:
        words = waiting + chunk.words
        if chunk.end - words[0].start < FLASH_SECONDS:
            waiting = words
        else:
            kept.append(Chunk(words, words[0].start, chunk.end))
            waiting = ()
    if waiting and kept:
        kept[-1] = Chunk(kept[-1].words + waiting, kept[-1].start, max(kept[-1].end, waiting[-1].end))
    return kept


def cues(shown: Iterable[Chunk]) -> list[Cue]:
    """Return chunks as the cues of a caption file."""
    return [Cue(chunk.start, chunk.end, joined(chunk.texts)) for chunk in shown]


def _spread(segment: Segment) -> list[Word]:
    return _timed(segment.text.split(), segment.start, segment.end, 1.0)


def _timed(texts: Sequence[str], start: float, end: float, score: float) -> list[Word]:
    """Return words with times in proportion to their lengths."""
    letters = sum(len(text) for text in texts)
    words: list[Word] = []
    said = 0
    begin = start
    for text in texts:
        said += len(text)
        until = start + (end - start) * said / letters
        words.append(Word(text=text, start=begin, end=until, score=score))
        begin = until
    return words


def _units(words: Sequence[Word]) -> list[Word]:
    """Return units that can stand alone: marks join their letters, and long words without blanks are divided."""
    whole: list[Word] = []
    for word in words:
        if whole and (joins_left(word.text) or joins_right(whole[-1].text)):
            last = whole[-1]
            whole[-1] = Word(
                text=last.text + word.text,
                start=last.start,
                end=max(last.end, word.end),
                score=min(last.score, word.score),
            )
        else:
            whole.append(word)
    return [part for word in whole for part in _parts(word)]


def _parts(word: Word) -> list[Word]:
    """Divide a long word without blanks into even parts, with times in proportion."""
    characters = pieces(word.text)
    if len(characters) <= LONGEST_UNSPACED:
        return [word]
    count = ceil(len(characters) / LONGEST_UNSPACED)
    cuts = [round(part * len(characters) / count) for part in range(count + 1)]
    texts = ["".join(characters[begin:end]) for begin, end in pairwise(cuts)]
    return _timed(texts, word.start, word.end, word.score)


def _weight(text: str) -> float:
    """Return the number of words that a text counts for."""
    if not unspaced(text[0]):
        return 1.0
    return min(1.0, len(pieces(text)) * UNSPACED_LETTER[wide(text[0])])


def _phrases(words: Sequence[Word]) -> list[list[Word]]:
    """Divide a sentence where a chunk must end: after a full stop and at a pause."""
    phrases: list[list[Word]] = [[]]
    for index, word in enumerate(words):
        if phrases[-1] and (
            _last_mark(words[index - 1].text) in SENTENCE_ENDS or word.start - words[index - 1].end > PAUSE_SECONDS
        ):
            phrases.append([])
        phrases[-1].append(word)
    return phrases


def _divided(phrase: Sequence[Word], fits: Fits) -> list[list[Word]]:
    """Divide a phrase into the chunks that read best: the cheapest division, by dynamic programming."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(phrase) + 1):
        options = [
            (best[begin][0] + _cost(phrase, begin, end, fits), begin) for begin in range(max(0, end - MOST_UNITS), end)
        ]
        best.append(min(options))
    cuts = [len(phrase)]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][1])
    cuts.reverse()
    return [list(phrase[begin:end]) for begin, end in pairwise(cuts)]


def _cost(phrase: Sequence[Word], begin: int, end: int, fits: Fits) -> float:
    """Return the cost of the words from `begin` to `end` as one chunk: high if they read badly."""
    words = phrase[begin:end]
    count = sum(_weight(word.text) for word in words)
    if len(words) > 1 and (count > MOST_WORDS or not fits([word.text for word in words])):
        return IMPOSSIBLE
    cost = (count - BEST_WORDS) ** 2
    if count <= 1:
        cost += 3
    if words[-1].end - words[0].start < SHORTEST_SECONDS:
        cost += 3
    if end < len(phrase):
        mark = _last_mark(words[-1].text)
        if mark in CLAUSE_ENDS:
            cost -= 4
        elif len(words[-1].text) <= 3 and not unspaced(words[-1].text[-1]):
            cost += 1.5  # an article or a preposition belongs to the words that follow
        elif has_kana(joined([word.text for word in words])) and inside_japanese_word(words[-1].text, phrase[end].text):
            cost += 3
        cost -= 6 * min(PAUSE_SECONDS, phrase[end].start - words[-1].end)
    return cost


def _last_mark(text: str) -> str:
    stripped = text.rstrip(CLOSERS)
    return stripped[-1] if stripped else ""
