"""The speech of a portion, and the passages that were recognised in it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clipmill.transcriber.hearing.portions import Portion
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.hallucinations import (
    RecognisedPiece,
    is_doubtful,
    is_echo,
    is_silent,
    near_speech,
    without_loops,
)
from clipmill.transcriber.recognising.words import RawWord


class Passage(NamedTuple):
    """The recognised text of a window.

    Attributes:
        text: Text of all words.
        start: Start of the window, in seconds.
        end: End of the window, in seconds.
        words: Words with the times of Whisper's attention.
        heard_again: True if the window was recognised a second time.
    """

    text: str
    start: float
    end: float
    words: tuple[RawWord, ...]
    heard_again: bool = False


class Speech(NamedTuple):
    """The speech of a portion and the facts that help to recognise it.

    Attributes:
        portion: Sound and its speech regions.
        language: ISO 639-1 code of the language.
        vocabulary: Names and terms that are likely to be said, as many as the model takes.
    """

    portion: Portion
    language: str
    vocabulary: tuple[str, ...]

    @property
    def hotwords(self) -> str | None:
        """The vocabulary in the form in which the model reads it as said before."""
        return hotwords_of(self.vocabulary) or None

    def without_names(self) -> "Speech":
        """Return the speech without a vocabulary."""
        return self._replace(vocabulary=())

    def is_echo(self, pieces: Sequence[RecognisedPiece]) -> bool:
        """Return whether results recite the vocabulary."""
        return is_echo([word for piece in pieces for word in piece.words], self.vocabulary)

    def guarded(self, pieces: Sequence[RecognisedPiece]) -> list[RawWord]:
        """Return the words of results that somebody said."""
        words = [word for piece in pieces if not is_silent(piece) for word in piece.words]
        return near_speech(without_loops(words), self.portion.speech_regions)


def in_doubt(pieces: Iterable[RecognisedPiece]) -> bool:
    """Return whether results should be heard again."""
    return any(is_doubtful(piece) and not is_silent(piece) for piece in pieces)


def passage_of(window: SpeechRegion, words: Sequence[RawWord], *, heard_again: bool) -> Passage:
    """Return the passage of a window with the words that somebody said."""
    return Passage("".join(word.text for word in words), window.start, window.end, tuple(words), heard_again)


def hotwords_of(names: Sequence[str]) -> str:
    """Return names in the form in which the model reads them as said before."""
    return ", ".join(names)
