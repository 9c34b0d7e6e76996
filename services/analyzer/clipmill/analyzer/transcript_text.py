"""The transcript as a model reads it: sentences numbered like verses, with as few other signs as will do.

    @312 45 And then we looked at it. 46 Nobody noticed. 47* B: Never?
    @335 48 A: Not once.

A number costs one token where a line of its own, with times, costs ten; on an hour of talk that is the difference
between a few per cent and twice the transcript. Numbers start anew in each part, because small ones are short.
"""

from bisect import bisect_right
from collections.abc import Sequence

from clipmill.analyzer.boundaries import CUT_REACH_MS
from clipmill.analyzer.parts import Part
from clipmill.analyzer.sentences import Sentence
from clipmill.contracts.documents import Transcript

PARAGRAPH_SECONDS = 30.0
"""A paragraph opens with its time. Between two, a model goes by the rate of speech, which is a second or two off."""

SHOT_SECONDS = 15.0
"""Shots are marked where they last this long on average: faster cutting follows rhythm, not sense."""


class TranscriptText:
    """Writes parts of one transcript.

    Args:
        sentences: all of them.
        speakers: who says each, empty where unknown; see `speakers_of`.
        cuts: times of the first frames of shots, seconds, ascending.
        duration: of the source, seconds.
    """

    def __init__(
        self, sentences: Sequence[Sentence], speakers: Sequence[str], cuts: Sequence[float], duration: float
    ) -> None:
        self._sentences = sentences
        self._speakers = speakers
        self._cuts = cuts if duration / (len(cuts) + 1) >= SHOT_SECONDS else []

    def of(self, part: Part) -> str:
        """Return the numbered sentences of `part`."""
        pieces: list[str] = []
        opened = -PARAGRAPH_SECONDS
        speaker = ""
        for number, index in enumerate(range(part.first, part.last + 1), 1):
            sentence = self._sentences[index]
            if sentence.start - opened >= PARAGRAPH_SECONDS:
                pieces.append(f"\n@{sentence.start:.0f}")
                opened = sentence.start
            text = " ".join(sentence.text.split())
            stop = ":" if text[0].isdigit() else ""  # lest two numbers become one
            turn = self._speakers[index] if self._speakers[index] != speaker else ""
            speaker = self._speakers[index]
            pieces.append(
                f" {number}{'*' if self._opens_shot(index) else ''}{stop} {f'{turn}: ' if turn else ''}{text}"
            )
        return "".join(pieces).strip()

    def _opens_shot(self, index: int) -> bool:
        """Whether a shot begins in the pause before a sentence, or hardly after its start."""
        latest = self._sentences[index].start + CUT_REACH_MS / 1000
        earliest = self._sentences[index - 1].end if index else 0.0
        at = bisect_right(self._cuts, latest)
        return at > 0 and self._cuts[at - 1] >= earliest


def speakers_of(transcript: Transcript, sentences: Sequence[Sentence]) -> list[str]:
    """Return who says each sentence: whoever speaks in its middle. Empty texts where fewer than two are told apart."""
    if len({segment.speaker for segment in transcript.segments} - {""}) < 2:
        return [""] * len(sentences)
    starts = [segment.start for segment in transcript.segments]
    middles = [(sentence.start + sentence.end) / 2 for sentence in sentences]
    return [transcript.segments[max(bisect_right(starts, middle) - 1, 0)].speaker for middle in middles]
