"""The language of a source and the model that recognises it, which may change while a source is heard."""

import math
from collections.abc import Sequence

from clipmill.transcriber.hearing.portions import Portion
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.languages import Detection
from clipmill.transcriber.recognising.recognisers import NOBODY, Listener, Recognisers

SETTLED_SECONDS = 30.0
"""Speech in which a language must have been surely heard before it is final, in seconds: all that Whisper hears at
once. The first two windows of talks have 48 to 59 s (3 recordings), so their language is asked for once. Where people
pause often, it is asked for twice: nothing is heard again then by an English-only model, and 2.6 s of ten minutes by
base."""

FEW_SECONDS = 3.0
"""Speech below which a sure answer counts as a guess beside others, in seconds. In pieces of up to 2 s of 12 recordings
and read texts in 8 languages, 7 of 35 sure answers of base were wrong; in pieces of 3 to 10 s, 2 of 42."""


class Listening:
    """The search for the language of a source, which goes on in each portion until the answer is sure and well founded.

    Greetings, songs and noises open many videos, and ten minutes of waiting music many streams, so a portion with
    little speech, or with speech whose language is a guess, decides only for itself. Words that were recognised before
    the language changed stay as they are.

    Attributes:
        listener: Model for the language that is known so far.
        heard_again: Number of windows that models, before the present one, have recognised a second time.

    Args:
        recognisers: Models on this machine.
        wanted: ISO 639-1 code of the language, None to detect it.
        vocabulary: Names and terms that are likely to be said, the most important first.
    """

    def __init__(self, recognisers: Recognisers, wanted: str | None, vocabulary: Sequence[str]) -> None:
        self.listener: Listener = NOBODY
        self.heard_again = 0
        self._recognisers = recognisers
        self._vocabulary = vocabulary
        self._answer = Detection(wanted, 1.0, math.inf) if wanted else None

    @property
    def settled(self) -> bool:
        """True if the language is not asked for any more."""
        return self._answer is not None and self._answer.sure and self._answer.seconds >= SETTLED_SECONDS

    def listen(self, portion: Portion, windows: Sequence[SpeechRegion]) -> None:
        """Set `listener` for a portion.

        Args:
            portion: Sound and its speech regions.
            windows: Windows of its speech, at least one.
        """
        if not self.settled:
            found = self._recognisers.detect(portion, windows, self._vocabulary, self.listener.recogniser)
            self._answer = found if self._answer is None else weighed(self._answer, found)
        if self._answer is not None and (self.listener is NOBODY or self.listener.language != self._answer.language):
            self.heard_again += self.listener.heard_again
            self.listener = NOBODY  # otherwise its model would stay in memory beside the next one
            self.listener = self._recognisers.listener(self._answer.language, self._vocabulary)


def weighed(before: Detection, found: Detection) -> Detection:
    """Return the better founded of two answers: the sure one, or else the one that heard more speech.

    Sure answers of the same language support each other, so their speech adds up. In less than `FEW_SECONDS` of speech,
    all answers are guesses.

    Args:
        before: Answer in the portions before.
        found: Answer in the present portion.
    """
    if before.language == found.language and before.sure and found.sure:
        return max(before, found, key=lambda each: each.probability)._replace(seconds=before.seconds + found.seconds)
    return max(before, found, key=lambda each: (each.sure and each.seconds >= FEW_SECONDS, each.seconds))
