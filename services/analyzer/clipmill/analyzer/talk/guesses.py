"""Decides about captions by the certainty of a transcript's words, which may be mostly guesses."""

from collections.abc import Sequence

from clipmill.contracts.documents import CaptionDecision, Transcript, Word
from clipmill.contracts.options import CaptionStyle

GUESSED_BELOW = 0.55
"""Certainty below which most words are guesses; in doubt, real speech keeps its captions.

Measured in 20 to 150 seconds of sound each, with Whisper tiny.en and the multilingual base. Below are other languages
that tiny.en takes for English (0.21 to 0.53, real recordings and espeak-ng), babble of six voices (0.50 and 0.52), and
languages that base hears badly from espeak-ng (0.43 to 0.52 at word error rates of 0.66 and more). Above are 11 English
recordings and talks with tiny.en (0.67 to 0.95), and languages that base hears at error rates up to 0.5 (0.61 to 0.93).
Noise and music alone give no words."""

ALIGNED = "alignment"
"""Source of word times whose scores say how well a word fits the sound, and not how sure the recogniser is."""


def certainty(transcript: Transcript, words: Sequence[Word]) -> float | None:
    """Return the mean score of words, weighted by their letters, from 0 to 1; None if there are no words.

    Letters count more evenly than time, because the recogniser stretches the words that it guesses over silence.

    Args:
        transcript: Transcript, whose engine tells what the scores mean.
        words: Words of the transcript, or of the part of it that is used.
    """
    if transcript.engine is not None and transcript.engine.word_times == ALIGNED and words:
        return 1.0
    letters = sum(len(word.text) for word in words)
    return sum(word.score * len(word.text) for word in words) / letters if words else None


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
        reason = "Captions are off because the words are not known." if automatic and unknown else ""
        return CaptionDecision(style=CaptionStyle.OFF, reason=reason)
    if mostly_guesses(sure):
        subject = "Captions are off and titles are plain" if automatic else "Titles are plain"
        reason = (
            f"{subject} because most words are guesses (mean word score {sure:.2f}); "
            "submit with captions=bold to use the words all the same."
        )
        return CaptionDecision(style=CaptionStyle.OFF, reason=reason)
    if not automatic:
        return CaptionDecision(style=CaptionStyle.OFF)
    return CaptionDecision(style=CaptionStyle.BOLD, reason=f"Most words are sure (mean word score {sure:.2f}).")
