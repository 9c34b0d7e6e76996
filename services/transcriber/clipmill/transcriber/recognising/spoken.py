"""The words of a source while its portions are recognised, perhaps in more than one language."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from clipmill.contracts.source_range import SourceRange
from clipmill.transcriber.recognising.sequences import certainty
from clipmill.transcriber.recognising.words import RawWord, TimedWord, tidy


class _Run(NamedTuple):
    """Words in one language, in seconds from `start`."""

    start: float
    language: str
    words: list[RawWord]


class Spoken:
    """The words of the portions so far.

    Attributes:
        aligned: True if an alignment model has placed words.
    """

    def __init__(self) -> None:
        self.aligned = False
        self._runs: list[_Run] = []
        self._recognised: list[RawWord] = []

    def add(
        self, start: float, language: str, words: Sequence[RawWord], recognised: Sequence[RawWord] | None = None
    ) -> None:
        """Add the words of a portion.

        Args:
            start: Start of the portion, in seconds.
            language: ISO 639-1 code of the language.
            words: Words in seconds from the portion's start.
            recognised: Words as they were before an alignment model placed them, None if no such model did.
        """
        self.aligned = self.aligned or recognised is not None
        self._recognised += [word.later(start) for word in (words if recognised is None else recognised)]
        if not self._runs or self._runs[-1].language != language:
            # Whole milliseconds, so that moving words keeps their times to the millisecond.
            self._runs.append(_Run(math.floor(1000 * start) / 1000 if self._runs else 0.0, language, []))
        run = self._runs[-1]
        run.words.extend(word.later(start - run.start) for word in words)

    def words(self, end: float) -> list[TimedWord]:
        """Return all words in order, as `tidy` returns those of each language.

        Args:
            end: End of the sound, in seconds.
        """
        ends = [*(run.start for run in self._runs[1:]), end]
        return [
            word.later(run.start)
            for run, until in zip(self._runs, ends, strict=True)
            for word in tidy(run.words, until - run.start, run.language)
        ]

    def leave_out_all_but(self, part: SourceRange, offset: float) -> None:
        """Let `certainty` count only the words most of which are in a part of the source.

        Args:
            part: Part of the source.
            offset: Time from which the seconds of the words count, in seconds of the source.
        """
        self._recognised = [
            word
            for word in self._recognised
            if word.start is None or word.end is None or part.start <= offset + (word.start + word.end) / 2 < part.end
        ]

    @property
    def certainty(self) -> float | None:
        """Mean score that the recogniser gave the words, from 0 to 1, as `sequences` has it; None if there are none."""
        return round(certainty(self._recognised), 3) if self._recognised else None
