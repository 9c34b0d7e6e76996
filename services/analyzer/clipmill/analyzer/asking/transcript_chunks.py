"""The chunks of a long transcript, each for one request; they overlap so that none cuts a passage in two."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from clipmill.analyzer.talk.sentences import Sentence
from msgspec import Struct

BYTES_PER_TOKEN = 4
"""Approximate UTF-8 bytes of text per token, because the tokenizer is the provider's secret. English takes 4 to 5
bytes, languages with accents 3, Chinese and Japanese 3 to 4 (about one sign)."""

ASCII_BYTES_PER_TOKEN = 6.5
OTHER_BYTES_PER_TOKEN = 12
"""Upper limits for the bytes per token, on average over a talk: English takes 4 to 5 bytes, and scripts with two or
three bytes per letter take two to four letters."""

BOUNDARY_REACH = 0.05
"""Share of a chunk by which a boundary may move to the speaker's longest pause, which seldom interrupts a story."""

LEAST_CORE = 1 / 2
"""Smallest share of a chunk outside its overlap with the next one, however long clips may be."""


class TranscriptChunk(Struct, frozen=True, kw_only=True):
    """Consecutive sentences of a transcript.

    Attributes:
        first: Index of the first sentence.
        last: Index of the last sentence.
    """

    first: int
    last: int

    @property
    def count(self) -> int:
        """Number of sentences."""
        return self.last - self.first + 1


def tokens_in(text: str) -> int:
    """Return the approximate number of tokens in `text`."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def fewest_tokens(text: str) -> int:
    """Return a lower limit for the tokens in `text`: a model that counts fewer has not read all of it."""
    size = len(text.encode())
    plain = sum(letter.isascii() for letter in text)
    return int(plain / ASCII_BYTES_PER_TOKEN + (size - plain) / OTHER_BYTES_PER_TOKEN)


def chunks_of(sentences: Sequence[Sentence], most_tokens: int, longest: float) -> list[TranscriptChunk]:
    """Return the chunks of a transcript: a single one if it is short enough, else several of about equal length.

    Each chunk overlaps the next one by the length of the longest clip, so every clip fits into a chunk.

    Args:
        sentences: Sentences of the transcript, at least one.
        most_tokens: Approximate limit for a chunk, in tokens.
        longest: Length of the longest clip, in seconds.
    """
    sizes = [tokens_in(sentence.text) for sentence in sentences]
    total = sum(sizes)
    if total <= most_tokens or len(sentences) == 1:
        return [TranscriptChunk(first=0, last=len(sentences) - 1)]
    rate = total / max(sentences[-1].end - sentences[0].start, 1.0)
    core = max(most_tokens - rate * longest, most_tokens * LEAST_CORE)
    boundaries = _boundaries(sentences, list(accumulate(sizes)), math.ceil(total / core))
    chunks: list[TranscriptChunk] = []
    for first, following in pairwise([*boundaries, len(sentences)]):
        last = following - 1
        reach = sentences[last].start + longest
        while last + 1 < len(sentences) and sentences[last + 1].end <= reach:
            last += 1
        chunks.append(TranscriptChunk(first=first, last=last))
    return chunks


def _boundaries(sentences: Sequence[Sentence], reached: Sequence[int], count: int) -> list[int]:
    """Return the first sentence of each chunk, after a long pause near an even division of the tokens."""
    boundaries = [0]
    step = reached[-1] / count
    for number in range(1, count):
        near = [
            index
            for index in range(boundaries[-1] + 1, len(sentences))
            if abs(reached[index - 1] - step * number) <= step * BOUNDARY_REACH
        ] or [min(range(1, len(sentences)), key=lambda index: abs(reached[index - 1] - step * number))]
        boundary = max(near, key=lambda index: (sentences[index].start - sentences[index - 1].end, -index))
        if boundary > boundaries[-1]:
            boundaries.append(boundary)
    return boundaries
