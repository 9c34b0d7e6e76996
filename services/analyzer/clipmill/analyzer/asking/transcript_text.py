"""The transcript as a model reads it: sentences numbered like verses, with few other signs.

    45@312 And then we looked at it. 46 Nobody noticed. 47B* Never? 48A@343 Not once.

A number among the words costs a token or two; a separate line with two times costs ten and more. Numbers restart at 1
in each chunk, because small numbers are short. More may follow the number of a sentence: the speaker from there on, the
sign of a new shot, the mark of a sentence to which audiences react, and now and then the time.
"""

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from string import ascii_uppercase

from clipmill.analyzer.asking.transcript_chunks import TranscriptChunk
from clipmill.analyzer.talk.boundaries import CUT_REACH_MS
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.delivery import speakers_of
from clipmill.contracts.documents import Transcript

TIMED_SECONDS = 30.0
"""Seconds between two sentences with a time. In between, a model goes by the rate of speech, a second or two off."""

SHOT_SECONDS = 15.0
"""Average length of shots from which they are marked, in seconds: faster cutting follows rhythm, not sense."""

MARKED_SHARE = 0.1
"""Share of the sentences that are marked. A mark costs a token, and a hint at everything is none."""


class TranscriptText:
    """Writes chunks of one transcript.

    Args:
        sentences: Sentences of the transcript.
        speakers: Letter of each sentence's speaker, empty where unknown; see `speaker_letters`.
        cuts: Times of the first frames of shots, in seconds, ascending.
        duration: Length of the source, in seconds.
        marked: Indices of the sentences to mark; see `likeliest`.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        speakers: Sequence[str],
        cuts: Sequence[float],
        duration: float,
        marked: Collection[int] = (),
    ) -> None:
        self._sentences = sentences
        self._speakers = speakers
        self._marked = frozenset(marked)
        self._cuts = cuts if duration / (len(cuts) + 1) >= SHOT_SECONDS else []

    def of(self, chunk: TranscriptChunk) -> str:
        """Return the numbered sentences of `chunk`."""
        pieces: list[str] = []
        timed = -TIMED_SECONDS
        speaker = ""
        for number, index in enumerate(range(chunk.first, chunk.last + 1), 1):
            sentence = self._sentences[index]
            signs = self._speakers[index] if self._speakers[index] != speaker else ""
            speaker = self._speakers[index]
            if self._opens_shot(index):
                signs += "*"
            if index in self._marked:
                signs += "!"
            if sentence.start - timed >= TIMED_SECONDS:
                signs += f"@{sentence.start:.0f}"
                timed = sentence.start
            text = " ".join(sentence.text.split())
            stop = ":" if text[0].isdigit() else ""  # keeps two numbers apart
            pieces.append(f"{number}{signs}{stop} {text}")
        return " ".join(pieces)

    def _opens_shot(self, index: int) -> bool:
        """Return whether a shot begins in the pause before a sentence or shortly after its start."""
        latest = self._sentences[index].start + CUT_REACH_MS / 1000
        earliest = self._sentences[index - 1].end if index else 0.0
        at = bisect_right(self._cuts, latest)
        return at > 0 and self._cuts[at - 1] >= earliest


def likeliest(chances: Sequence[float], share: float = MARKED_SHARE) -> frozenset[int]:
    """Return the indices of the `share` of sentences with the highest chances, of equal ones the first.

    The result is empty if all chances are equal, because nothing stands out.

    Args:
        chances: Chance of each sentence that an audience reacts to it.
        share: Share of the sentences, from 0 to 1.
    """
    if not chances or min(chances) == max(chances):
        return frozenset()
    ranked = sorted(range(len(chances)), key=lambda index: (-chances[index], index))
    return frozenset(ranked[: math.ceil(len(ranked) * share)])


def speaker_letters(transcript: Transcript, sentences: Sequence[Sentence]) -> list[str]:
    """Return the speaker in the middle of each sentence, as a letter.

    Speakers get letters in the order of their first words. All letters are empty if fewer than two speakers are known.
    A letter is also empty if the sentence's speaker is unknown, or is the 27th speaker or later, because there are only
    26 letters.
    """
    names = dict.fromkeys(segment.speaker for segment in transcript.segments if segment.speaker)
    if len(names) < 2:
        return [""] * len(sentences)
    letters = dict(zip(names, ascii_uppercase, strict=False))
    return [letters.get(name, "") for name in speakers_of(transcript, sentences)]
