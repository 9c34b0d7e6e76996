"""The sounds of the room, half second by half second, for the analyzer."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from clipmill.contracts.sounds import EVEN_SOUND_SCORE, SOUND_SCORE_STEPS, SOUND_SECONDS, Sounds
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.log_mel import HOP_SAMPLES, PATCH_FRAMES, PATCH_HOP_SAMPLES, Patches, PatchStream
from clipmill.transcriber.hearing.sound_model import KINDS, Scores

BATCH = 64
"""Patches that the model gets at once: half a minute of sound."""

CENTRE_SAMPLES = PATCH_FRAMES * HOP_SAMPLES // 2
"""Distance from the start of a patch to its middle, which decides its half second."""

HALF_SECOND = round(SOUND_SECONDS * RATE)
"""Samples in a half second."""


class PatchScorer(Protocol):
    """A model that gives the log-odds of each kind of sound in each patch."""

    def scores(self, patches: Patches) -> Scores:
        """Return the log-odds, in the shape (patches, kinds)."""


class SoundMeter:
    """A meter that listens to blocks of sound while it hands them on.

    Args:
        model: Model that hears the sounds.
        start: Time of the first sample in the source, in seconds.
    """

    def __init__(self, model: PatchScorer, start: float = 0.0) -> None:
        self._model = model
        self._stream = PatchStream()
        self._begin = self._end = round(start * RATE)  # samples, counted from time 0
        self._patches = 0
        self._scores = {kind: bytearray() for kind in KINDS}

    def measure(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield `blocks` unchanged and listen to them.

        Args:
            blocks: Blocks of mono sound at `RATE`, of any length.
        """
        for block in blocks:
            self._listen(self._stream.add(block))
            self._end += len(block)
            yield block
        self._listen(self._stream.finish())

    def sounds(self, first: float = 0.0, last: float | None = None) -> Sounds:
        """Return the scores of all half seconds of the source so far.

        A half second has the highest score of the patches whose middle is in it. Patches are 0.48 s apart, so each
        half second that was heard has one, except perhaps the first and the last.

        Args:
            first: Time before which all scores are 0, in seconds.
            last: Time after which no scores are returned, in seconds; None for the end of the sound.
        """
        end = self._end / RATE if last is None else min(last, self._end / RATE)
        begin, stop = int(first / SOUND_SECONDS), -int(-end // SOUND_SECONDS)
        return Sounds(
            **{
                kind: bytes(begin) + bytes(scores[begin:stop].ljust(stop - begin, b"\0"))
                for kind, scores in self._scores.items()
            }
        )

    def _listen(self, found: Iterable[Patches]) -> None:
        for patches in found:
            for at in range(0, len(patches), BATCH):
                self._note(self._model.scores(patches[at : at + BATCH]))

    def _note(self, scores: Scores) -> None:
        """Enter the scores of the next patches at their half seconds."""
        bytes_heard = np.clip(np.rint(EVEN_SOUND_SCORE + SOUND_SCORE_STEPS * scores), 1, 255).astype(int)
        for row in bytes_heard:
            middle = self._begin + self._patches * PATCH_HOP_SAMPLES + CENTRE_SAMPLES
            self._patches += 1
            place = middle // HALF_SECOND
            for kept, score in zip(self._scores.values(), row, strict=True):
                kept.extend(bytes(max(0, place + 1 - len(kept))))
                kept[place] = max(kept[place], int(score))
