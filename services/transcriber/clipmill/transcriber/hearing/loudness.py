"""The level of a source's sound, second by second, for the analyzer."""

from collections.abc import Iterable, Iterator

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples

FLOOR_DB = -90
"""Level of silence: that of a 16-bit sample's last bit."""


class Loudness:
    """A meter that measures blocks of sound while it hands them on.

    Attributes:
        levels: Mean power of each second so far, in whole dBFS (a full-scale sine is at -3), never below `FLOOR_DB`;
            the last second may be incomplete.
    """

    def __init__(self) -> None:
        self.levels: list[int] = []

    def measure(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield `blocks` unchanged and add the levels of their seconds to `levels`.

        Args:
            blocks: Blocks of mono sound at `RATE`; each of them but the last has whole seconds.
        """
        for block in blocks:
            whole = len(block) // RATE * RATE
            seconds = [*block[:whole].reshape(-1, RATE), *([block[whole:]] if whole < len(block) else [])]
            self.levels += [_level(second) for second in seconds]
            yield block


def _level(samples: Samples) -> int:
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(FLOOR_DB, round(10 * np.log10(power))) if power > 0 else FLOOR_DB
