"""Levels of a sound over time, and whether it is more than the noise of a room."""

from collections.abc import Callable

import numpy as np
from clipmill.renderer.audio.loudness import Floats
from clipmill.renderer.audio.sound import CHANNELS, SAMPLE_RATE, Samples, silence

MILLISECOND = SAMPLE_RATE // 1000
"""Samples of a millisecond."""

SILENCE_DB = -120.0
"""Level that stands for digital silence, in dB of full scale."""

STEADY_DB = 10.0
"""Distance between the loudest twentieth and the quietest tenth of a sound's 10 ms, below which the sound is steady."""

ROOM_DB = -50.0
"""Level below which a steady sound is the noise of a room and its microphone: nobody wants to hear it louder."""

UTTERANCE = 20
"""Levels of the shortest utterance (0.2 s): a word lasts that long; a click does not, and its echo dies away sooner."""

DYING_DB = 3.0
"""Most decibels by which the second half of an utterance is quieter than the first. In 0.1 s the echo of a clap falls
by 6 dB divided by the room's reverberation time in seconds, which is seldom above one."""


class PerMillisecond:
    """Reduces each channel's samples to one number a millisecond.

    Args:
        block: Samples of a millisecond.
        reduce: Function that turns channels by blocks by samples into channels by blocks.
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
        """Return the numbers, channels by milliseconds; silence fills the last millisecond up."""
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
    """Return the RMS of each 10 ms of both channels together, in dB of full scale."""
    mean = powers.mean(axis=0)
    mean = np.append(mean, np.zeros(-len(mean) % 10)).reshape(-1, 10).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(mean, 10 ** (SILENCE_DB / 10))))


def is_room(levels: Floats) -> bool:
    """Return whether a sound is silence, or only the noise of a room with a few clicks.

    A sound with a single utterance is more than that, even if the rest is a long silence.

    Args:
        levels: Level of each 10 ms, in dB of full scale.
    """
    if not len(levels):
        return True
    quiet, loud = np.percentile(levels, (10, 95))
    steady = loud < ROOM_DB and loud - quiet < STEADY_DB
    return bool(steady and not _speaks(levels, max(ROOM_DB, quiet + STEADY_DB)))


def _speaks(levels: Floats, above: float) -> bool:
    """Return whether a sound above a level lasts as long as an utterance and does not only die away."""
    if len(levels) < UTTERANCE:
        return False
    lengths = np.lib.stride_tricks.sliding_window_view(levels, UTTERANCE)
    first, second = lengths[:, : UTTERANCE // 2].mean(axis=1), lengths[:, UTTERANCE // 2 :].mean(axis=1)
    return bool(np.any((lengths.min(axis=1) > above) & (first - second < DYING_DB)))
