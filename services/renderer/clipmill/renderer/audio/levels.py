"""How strong sound is from moment to moment."""

from collections.abc import Callable

import numpy as np
from clipmill.renderer.audio.loudness import Floats
from clipmill.renderer.audio.sound import CHANNELS, SAMPLE_RATE, Samples, silence

MILLISECOND = SAMPLE_RATE // 1000
"""Samples."""

SILENCE_DB = -120.0
"""What digital silence is called, dB of full scale."""

STEADY_DB = 10.0
"""How far the loudest twentieth of a sound's 10 ms must lie above its quietest tenth to be more than steady."""

ROOM_DB = -50.0
"""A steady sound that is quieter is the noise of a room and of its microphone: nobody wants to hear it louder."""


class PerMillisecond:
    """Reduces each channel's samples to one number a millisecond.

    Args:
        block: samples of a millisecond.
        reduce: gives channels by blocks for channels by blocks by samples.
    """

    def __init__(self, block: int, reduce: Callable[[Samples], Floats]) -> None:
        self._block = block
        self._reduce = reduce
        self._left = silence(0)
        self._parts: list[Floats] = [np.zeros((CHANNELS, 0))]

    def push(self, samples: Samples) -> None:
        """Take the next samples."""
        samples = np.concatenate((self._left, samples), axis=1)
        whole = samples.shape[1] // self._block * self._block
        self._left = samples[:, whole:].copy()
        self._parts.append(self._reduce(samples[:, :whole].reshape(CHANNELS, -1, self._block)))

    def values(self) -> Floats:
        """Return channels by milliseconds, the last one filled up with silence."""
        if self._left.shape[1]:
            self.push(silence(self._block - self._left.shape[1]))
        return np.concatenate(self._parts, axis=1)


def power(blocks: Samples) -> Floats:
    """Return the mean square of each block."""
    return np.asarray(np.einsum("cbs,cbs->cb", blocks, blocks, dtype=np.float64) / blocks.shape[2])


def peak(blocks: Samples) -> Floats:
    """Return the highest absolute value of each block."""
    return np.asarray(np.abs(blocks).max(axis=2, initial=0), np.float64)


def levels_db(powers: Floats) -> Floats:
    """Return the RMS of each 10 ms, both channels together, dB of full scale."""
    mean = powers.mean(axis=0)
    mean = np.append(mean, np.zeros(-len(mean) % 10)).reshape(-1, 10).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(mean, 10 ** (SILENCE_DB / 10))))


def is_room(levels: Floats) -> bool:
    """Return whether nothing but the noise of a room is to be heard, and now and then a click, or nothing at all.

    Args:
        levels: for each 10 ms, dB of full scale.
    """
    if not len(levels):
        return True
    quiet, loud = np.percentile(levels, (10, 95))
    return bool(loud < ROOM_DB and loud - quiet < STEADY_DB)
