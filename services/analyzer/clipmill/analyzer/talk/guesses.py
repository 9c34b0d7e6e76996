"""Decides about captions by the certainty of a transcript's words, which may be mostly guesses."""

from collections import deque
from collections.abc import Sequence

from clipmill.contracts.documents import CaptionDecision, Transcript, Word
from clipmill.contracts.options import CaptionStyle

GUESSED_BELOW = 0.57
"""Certainty below which most words are guesses; in doubt, real speech keeps its captions.

Measured with Whisper tiny.en and the multilingual base in 10 to 150 seconds of sound each. The certainty is near 1
minus the word error rate. Below 0.57 were other languages that tiny.en takes for English (0.00 to 0.55, 3 recordings
and 14 texts read by espeak-ng in 11 languages), babble of six voices (0.50 to 0.55), English at 0 dB of noise, music or
babble with word error rates of 0.6 and more (0.27 to 0.56), and what base hears from espeak-ng in 7 languages with
rates of 0.66 and more (0.28 to 0.53). Above were 12 English recordings (0.66 to 0.96) and 5 texts (0.86 to 0.93) with
both models, 3 recordings in other languages with base (0.75 to 0.94), and what espeak-ng reads with rates up to 0.53
(0.59 to 0.79). One Polish text keeps its captions at a rate of 0.69 (0.60). Noise and music alone give no words."""

ALIGNED = "alignment"
"""Source of word times whose scores say how well a word fits the sound, and not how sure the recogniser is.

The engine's facts have the mean of the recogniser's scores then, which is judged by the same bar."""


def certainty(transcript: Transcript, words: Sequence[Word]) -> float | None:
    """Return the mean score of words, weighted by their letters, from 0 to 1; None if there are no words.

    Letters count more evenly than time, because the recogniser stretches the words that it guesses over silence. Words
    without scores are certain, and so are aligned words of older versions, which did not keep the recogniser's scores.
    A phrase that is repeated counts once: in French, tiny.en heard "to the end of the day" again and again, and was
    surer each time.

    Args:
        transcript: Transcript, whose engine tells what the scores mean.
        words: Words of the transcript, or of the part of it that is used.
    """
    engine = transcript.engine
    if engine is not None and engine.word_times == ALIGNED and words:
        return 1.0 if engine.certainty is None else engine.certainty
    counted = _once(words)
    letters = sum(len(word.text) for word in counted)
    return sum(word.score * len(word.text) for word in counted) / letters if counted else None


def _once(words: Sequence[Word]) -> list[Word]:
    """Return the words without those that end three words which were said before."""
    said: set[tuple[str, ...]] = set()
    texts: deque[str] = deque(maxlen=3)
    counted: list[Word] = []
    for word in words:
        texts.append("".join(letter for letter in word.text.casefold() if letter.isalnum()))
        if tuple(texts) not in said:
            counted.append(word)
            said.add(tuple(texts))
    return counted


def mostly_guesses(sure: float | None) -> bool:
    """Return whether words with the certainty `sure` are mostly guesses; no words are none."""
    return sure is not None and sure < GUESSED_BELOW


def captions_for(choice: CaptionStyle, sure: float | None, *, unknown: bool = False) -> CaptionDecision:
    """Return the captions of a job. A style that the job names is always drawn.

    Args:
        choice: Style that the job names, `off`, or `auto`.
        sure: Certainty of the words, None if there are none.
        unknown: True if somebody speaks in a known language, and no recogniser knows the words.
    """
    if choice not in (CaptionStyle.AUTO, CaptionStyle.OFF):
        return CaptionDecision(style=choice)
    automatic = choice is CaptionStyle.AUTO
    if sure is None:
        why = "the words are not known" if unknown else "nobody speaks"
        return CaptionDecision(style=CaptionStyle.OFF, reason=f"Captions are off because {why}." if automatic else "")
    if mostly_guesses(sure):
        subject = "Captions are off and titles are plain" if automatic else "Titles are plain"
        reason = (
            f"{subject} because most words are guesses (mean word score {sure:.2f}); "
            "submit with captions=bold to use the words all the same."
        )
        return CaptionDecision(style=CaptionStyle.OFF, reason=reason)
    if not automatic:
        return CaptionDecision(style=CaptionStyle.OFF)
    known = f"Most words are sure (mean word score {sure:.2f})." if sure < 1 else "The words are taken as they are."
    return CaptionDecision(style=CaptionStyle.BOLD, reason=known)
