"""The level of a source's sound, second by second, for the analyzer."""

from collections.abc import Iterable, Iterator

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples

FLOOR_DB = -90
"""Level of silence: that of a 16-bit sample's last bit."""


class Loudness:
    """A meter that measures blocks of sound while it hands them on.

    Args:
        start: Time of the first sample in the source, in seconds.

    Attributes:
        levels: Mean power of each second of the source so far, in whole dBFS (a full-scale sine is at -3), never below
            `FLOOR_DB`, which unread seconds have. Of the first and the last second, a part may be unread.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.levels = [FLOOR_DB] * int(start)
        self._second = RATE - round(start * RATE) % RATE

    def measure(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield `blocks` unchanged and add the levels of their seconds to `levels`.

        Args:
            blocks: Blocks of mono sound at `RATE`; each of them but the last ends on a whole second of the source.
        """
        for block in blocks:
            seconds = np.split(block, range(self._second, len(block), RATE))
            self.levels += [_level(second) for second in seconds if len(second)]
            self._second = RATE
            yield block


def _level(samples: Samples) -> int:
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(FLOOR_DB, round(10 * np.log10(power))) if power > 0 else FLOOR_DB
