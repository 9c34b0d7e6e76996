"""Parts of a transcript: a long one is asked about in several, which overlap so that no passage is torn."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from clipmill.analyzer.talk.sentences import Sentence
from msgspec import Struct

BYTES_PER_TOKEN = 4
"""UTF-8 bytes of text to a token, roughly and rather too few for English: the tokenizer is the provider's secret.
English takes 4 to 5, languages with accents 3, Chinese and Japanese 3 to 4 (a sign or so a token)."""

ASCII_BYTES_PER_TOKEN = 6.5
OTHER_BYTES_PER_TOKEN = 12
"""No tokenizer in use puts more into its tokens, on average over a talk: English takes 4 to 5 bytes, and the scripts of
two and three bytes a letter two to four letters."""

BOUNDARY_REACH = 0.05
"""A boundary moves by up to this share of a chunk to where the speaker pauses longest: a story seldom spans that."""

LEAST_CORE = 1 / 2
"""The share of a chunk that is its own, at least, however long the clips are that must fit into the overlap."""


class TranscriptChunk(Struct, frozen=True, kw_only=True):
    """Consecutive sentences of a transcript.

    Attributes:
        first: index of the first sentence.
        last: index of the last one.
    """

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many sentences it has."""
        return self.last - self.first + 1


def tokens_in(text: str) -> int:
    """Return about how many tokens `text` has."""
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def fewest_tokens(text: str) -> int:
    """Return how many tokens `text` has at least: who counted fewer has not read all of it."""
    size = len(text.encode())
    plain = sum(letter.isascii() for letter in text)
    return int(plain / ASCII_BYTES_PER_TOKEN + (size - plain) / OTHER_BYTES_PER_TOKEN)


def chunks_of(sentences: Sequence[Sentence], most_tokens: int, longest: float) -> list[TranscriptChunk]:
    """Return the chunks in which a transcript is asked about: one if it is short enough, else about equally long ones.

    Each goes on after the next one's start for as long as a clip may last, so every clip lies within a chunk.

    Args:
        sentences: all of them, at least one.
        most_tokens: about the most tokens of a chunk.
        longest: the longest clip, seconds.
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
    """Return the first sentence of each chunk, near even divisions of the tokens and after a long pause."""
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
