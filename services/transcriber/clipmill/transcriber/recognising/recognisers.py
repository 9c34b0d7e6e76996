"""The model for a language: at most one that recognises is in memory, and it always knows the language."""

import gc
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from clipmill.transcriber.hearing.portions import Portion
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.models.choice import multilingual_on_this_machine
from clipmill.transcriber.models.weights import Weights
from clipmill.transcriber.recognising.languages import FIRST_WINDOWS, Detection, seconds_in, spread
from clipmill.transcriber.recognising.passages import Passage
from clipmill.transcriber.recognising.recognition import Recogniser
from clipmill.transcriber.speech_request import EngineRequest

CLEAR_ENGLISH = 0.75
"""Certainty of the words of some windows from which an English-only model certainly hears English. With tiny.en, other
languages have at most 0.55 and noisy English has 0.27 to 0.56; most English has more than 0.8. In between, a
multilingual model decides, which takes 1.7 s to load and listen."""


class Listener(NamedTuple):
    """The model for the language of a source.

    Attributes:
        language: ISO 639-1 code of the language.
        recogniser: Model that knows it, None if none on this machine does.
        reason: Sentence that says why it is not the chosen model; empty if it is.
        names: Names and terms that are likely to be said, as many as the model takes.
        heard_again_before: Number of windows that the model has recognised a second time in other sources.
    """

    language: str
    recogniser: Recogniser | None
    reason: str = ""
    names: tuple[str, ...] = ()
    heard_again_before: int = 0

    @property
    def heard_again(self) -> int:
        """Number of windows that the model has recognised a second time in this source."""
        return self.recogniser.heard_again - self.heard_again_before if self.recogniser else 0

    def recognise(
        self, portion: Portion, windows: Sequence[SpeechRegion], on_position: Callable[[float], None]
    ) -> list[Passage]:
        """Return the passages of a portion; see `Recogniser.recognise`."""
        if self.recogniser is None:
            return []
        return self.recogniser.recognise(portion, windows, self.language, on_position, self.names)


NOBODY = Listener("", None)
"""The listener of a source in which nobody has spoken yet."""


class Recognisers:
    """The chosen model, and the one that takes its place for a language that it does not know.

    Attributes:
        label: Name of the chosen model.

    Args:
        weights: Weights of the chosen model.
        request: Options of the models.

    Raises:
        Permanent: with `model_unavailable` if the model cannot be loaded.
    """

    def __init__(self, weights: Weights, request: EngineRequest) -> None:
        self.label = weights.label
        self._weights = weights
        self._request = request
        self._loaded: Recogniser | None = None
        self.chosen()

    def chosen(self) -> Recogniser:
        """Return the chosen model, loaded."""
        return self._load(self._weights)

    def detect(
        self,
        portion: Portion,
        windows: Sequence[SpeechRegion],
        vocabulary: Sequence[str],
        present: Recogniser | None = None,
    ) -> Detection:
        """Return the language of a portion's speech.

        An English-only model cannot detect a language. Where its own words are not clear, a multilingual one on this
        machine does. English is taken where that one only guesses, and for certain where there is none.

        Args:
            portion: Sound and its speech regions.
            windows: Windows of its speech, at least one.
            vocabulary: Names and terms that are likely to be said, the most important first.
            present: Model that recognised the portion before, None for the chosen one.
        """
        asked = present or self.chosen()
        if asked.multilingual:
            return asked.detect(portion, windows)
        smallest = next(reversed(self._multilingual(asked)), None)
        if smallest is None:
            return Detection("en", 1.0, math.inf)
        certainty = asked.certainty_in(portion, windows, "en", vocabulary)
        if certainty >= CLEAR_ENGLISH:
            return Detection("en", certainty, seconds_in(spread(windows)[:FIRST_WINDOWS]))
        found: Detection = Recogniser(smallest, self._request).detect(portion, windows)
        gc.collect()
        return found if found.sure else found._replace(language="en")

    def listener(self, language: str, vocabulary: Sequence[str]) -> Listener:
        """Return the model for a language, loaded in the place of another.

        Args:
            language: ISO 639-1 code of the language.
            vocabulary: Names and terms that are likely to be said, the most important first.
        """
        chosen = self.chosen()
        if chosen.knows(language):
            return _prepared(Listener(language, chosen), vocabulary)
        label, multilingual, others = chosen.label, chosen.multilingual, self._multilingual(chosen)
        del chosen  # otherwise it would stay in memory beside the other
        for weights in others:
            other = self._load(weights)
            if other.knows(language):
                reason = f'{other.label} recognised the speech because {label} does not know "{language}".'
                return _prepared(Listener(language, other, reason), vocabulary)
        known = f'does not know "{language}"' if multilingual else "knows only English"
        return Listener(language, None, f'{label} {known}, and no other model on this machine knows "{language}".')

    def _multilingual(self, chosen: Recogniser) -> list[Weights]:
        """Return the multilingual models on this machine beside the chosen one, best first."""
        on_gpu = chosen.placement.device != "cpu"
        found = multilingual_on_this_machine(Path(self._request.models_dir), on_gpu=on_gpu)
        return [weights for weights in found if weights.place != chosen.weights.place]

    def _load(self, weights: Weights) -> Recogniser:
        """Return a model, loaded in the place of another."""
        if self._loaded is None or self._loaded.weights != weights:
            self._loaded = None
            gc.collect()  # frees the memory of the other model first
            self._loaded = Recogniser(weights, self._request)
        return self._loaded


def _prepared(listener: Listener, vocabulary: Sequence[str]) -> Listener:
    recogniser = listener.recogniser
    if recogniser is None:
        return listener
    return listener._replace(names=recogniser.names_that_fit(vocabulary), heard_again_before=recogniser.heard_again)
