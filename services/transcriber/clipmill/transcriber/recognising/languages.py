"""The language of a portion's speech, detected in several windows of it.

The first half minute alone often misleads: greetings, songs and quoted films open talks in other languages. Where the
whole first portion misleads or says little, `listening` asks again in the next one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from clipmill.transcriber.hearing.speech_regions import SpeechRegion

FIRST_WINDOWS, MOST_WINDOWS = 2, 7
"""Windows heard at first, and in all if the first ones leave a doubt. A window costs base 1.3 s of a processor."""

CLEAR = 0.9
"""Probability from which the first windows leave no doubt."""

UNSURE = 0.5
"""Probability below which a language is only a guess; faster-whisper's own threshold for a window."""


class Detection(NamedTuple):
    """A detected language.

    Attributes:
        language: ISO 639-1 code.
        probability: Probability, 0 to 1, as the mean of the windows by their length.
        seconds: Length of the windows that were heard, in seconds.
    """

    language: str
    probability: float
    seconds: float

    @property
    def sure(self) -> bool:
        """True if the language is more than a guess."""
        return self.probability >= UNSURE


Probabilities = Mapping[str, float]
"""Probability of each language in a window."""


def detect(
    windows: Sequence[SpeechRegion], listen: Callable[[Sequence[SpeechRegion]], Sequence[Probabilities]]
) -> Detection:
    """Return the language of a portion's speech, heard in windows from all over the portion.

    Args:
        windows: Windows of speech, in order; at least one.
        listen: Function that returns the probabilities of the languages in each window that it is given.
    """
    chosen = spread(windows)
    heard = [*zip(chosen, listen(chosen[:FIRST_WINDOWS]), strict=False)]
    found = _combined(heard)
    if found.probability >= CLEAR or len(chosen) == len(heard):
        return found
    others = chosen[FIRST_WINDOWS:]
    return _combined([*heard, *zip(others, listen(others), strict=True)])


def spread(windows: Sequence[SpeechRegion]) -> list[SpeechRegion]:
    """Return at most `MOST_WINDOWS` of a portion's windows, evenly; the first two are from its quarters."""
    count = min(len(windows), MOST_WINDOWS)
    even = [windows[(2 * number + 1) * len(windows) // (2 * count)] for number in range(count)]
    first = {count // 4, count - 1 - count // 4}
    return [even[number] for number in sorted(range(count), key=lambda number: (number not in first, number))]


def seconds_in(windows: Iterable[SpeechRegion]) -> float:
    """Return the length of all windows, in seconds."""
    return sum(window.end - window.start for window in windows)


def _combined(heard: Sequence[tuple[SpeechRegion, Probabilities]]) -> Detection:
    """Return the language with the highest mean probability; a window counts by its length."""
    seconds = seconds_in(window for window, _ in heard)
    totals: dict[str, float] = {}
    for window, probabilities in heard:
        for language, probability in probabilities.items():
            totals[language] = totals.get(language, 0.0) + probability * (window.end - window.start) / seconds
    language = max(totals, key=lambda each: totals[each])
    return Detection(language, totals[language], seconds)
