"""Songs and jingles, whose words are no speech.

A bed of music under speech is none of these, although it may be loud: singing tells a song from it, and the doubts of
the recogniser tell a tune from speech.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import fmean

from clipmill.analyzer.talk.sentences import Sentence
from clipmill.contracts.documents import Word
from clipmill.contracts.sounds import SOUND_SECONDS, Sounds

SUNG = 98
"""Score of singing in a half second that is probably sung."""

SUNG_SHARE = 0.25
"""Share of the half seconds around a sentence that are `SUNG` in a song. Songs of a synthetic singer have 0.25 to 0.5,
alone and over tunes from as loud to 18 dB quieter; speech over the same tunes has 0.11, 0.05 and 0.01 where it is
as loud as they are, 6 dB louder and 12 dB louder."""

BESIDE_SHARE = SUNG_SHARE / 2
"""Share of the half seconds of a sentence beside a song that are `SUNG` if it belongs to the song."""

PLAYED = 110
"""Score of music in a half second that has little else. Speech without music never has it."""

PLAYED_SHARE = 0.8
"""Share of the half seconds of a sentence that are `PLAYED` where music plays alone, as in 0.97 of a trailer."""

DOUBTED_SCORE = 0.5
"""Mean score of the words below which the recogniser has guessed them: it is 0.49 at most in speech that the model does
not understand, and 0.62 or more in speech that it does."""

AROUND_SECONDS = 7.5
"""Time on both sides of the middle of a sentence that tells whether it is sung, in seconds: singers breathe and hold,
and one half second in three or four sounds like singing."""

SHORTEST_SECONDS = 10.0
"""Length of the shortest song, in seconds. A speaker who sings a line for an example is no song."""


def songs_in(sentences: Sequence[Sentence], words: Sequence[Word], sounds: Sounds | None) -> list[tuple[float, float]]:
    """Return the start and the end of the passages that are sung or are a tune, in seconds, ascending.

    Args:
        sentences: Sentences of all that was recognised.
        words: Its words.
        sounds: Sounds of the room, None if they are not known.
    """
    if sounds is None or not any(score >= SUNG for score in sounds.singing + sounds.music):
        return []
    flags = [
        _is_sung(sentence, sounds) or _is_tune(sentence, said, sounds)
        for sentence, said in zip(sentences, _divided(sentences, words), strict=True)
    ]
    flags = _grown(flags, sentences, sounds)
    songs: list[tuple[float, float]] = []
    for is_song, passage in groupby(zip(flags, sentences, strict=True), key=itemgetter(0)):
        edges = [(sentence.start, sentence.end) for _, sentence in passage]
        if is_song and edges[-1][1] - edges[0][0] >= SHORTEST_SECONDS:
            songs.append((edges[0][0], edges[-1][1]))
    return songs


def outside(words: Sequence[Word], songs: Sequence[tuple[float, float]]) -> list[Word]:
    """Return the words that belong to none of `songs`."""
    kept: list[Word] = []
    at = 0
    for word in words:
        while at < len(songs) and songs[at][1] <= word.start:
            at += 1
        if at == len(songs) or word.end <= songs[at][0]:
            kept.append(word)
    return kept


def _grown(flags: Sequence[bool], sentences: Sequence[Sentence], sounds: Sounds) -> list[bool]:
    """Return which sentences are sung: also those between and beside them.

    Singers pause, and the sound around the first and the last sentence of a song is partly that of the speech there.

    Args:
        flags: True for each sentence in whose surroundings somebody sings.
        sentences: Sentences of all that was recognised.
        sounds: Sounds of the room.
    """
    grown = list(flags)
    last = -1
    for at, sentence in enumerate(sentences):
        if flags[at]:
            if last >= 0 and sentence.start - sentences[last].end <= 2 * AROUND_SECONDS:
                grown[last:at] = [True] * (at - last)
            last = at
    for order in (range(1, len(grown)), range(len(grown) - 2, -1, -1)):
        for at in order:
            own = _share(sounds.singing, sentences[at].start, sentences[at].end, SUNG)
            grown[at] = grown[at] or (grown[at - order.step] and own >= BESIDE_SHARE)
    return grown


def _is_sung(sentence: Sentence, sounds: Sounds) -> bool:
    middle = (sentence.start + sentence.end) / 2
    reach = max(AROUND_SECONDS, sentence.seconds / 2)
    return _share(sounds.singing, middle - reach, middle + reach, SUNG) >= SUNG_SHARE


def _is_tune(sentence: Sentence, said: Sequence[Word], sounds: Sounds) -> bool:
    doubted = bool(said) and fmean(word.score for word in said) < DOUBTED_SCORE
    return doubted and _share(sounds.music, sentence.start, sentence.end, PLAYED) >= PLAYED_SHARE


def _share(scores: bytes, start: float, end: float, least: int) -> float:
    """Return the share of the half seconds from `start` to `end` with a score of at least `least`."""
    heard = scores[max(int(start / SOUND_SECONDS), 0) : int(end / SOUND_SECONDS) + 1]
    return sum(score >= least for score in heard) / len(heard) if heard else 0.0


def _divided(sentences: Sequence[Sentence], words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield the words of each of `sentences`."""
    at = 0
    for sentence in sentences:
        first = at
        while at < len(words) and words[at].start < sentence.end:
            at += 1
        yield words[first:at]
