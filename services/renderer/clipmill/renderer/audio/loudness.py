"""Loudness of sound, by ITU-R BS.1770-4 and EBU R 128."""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from clipmill.renderer.audio.filtering import Filter
from clipmill.renderer.audio.sound import Samples
from msgspec import Struct

Floats = npt.NDArray[np.float64]

ABSOLUTE_GATE_LUFS = -70.0
"""Loudness below which BS.1770-4 takes a block for silence."""

RELATIVE_GATE_LU = -10.0
"""Distance from the mean of the blocks above the absolute gate, below which a block does not count (BS.1770-4)."""

STEP_MS = 100
"""Distance between the starts of two blocks of 0.4 s (BS.1770-4: they overlap by 75 %)."""

STEPS_PER_BLOCK = 4

OFFSET_LU = -0.691
"""Makes the loudness of a 997 Hz sine at full scale in one channel -3.01 LUFS (BS.1770-4)."""

K_WEIGHTING = (
    ("biquad", "b0=1.53512485958697:b1=-2.69169618940638:b2=1.19839281085285"
               ":a0=1:a1=-1.69065929318241:a2=0.73248077421585:precision=f64"),
    ("biquad", "b0=1:b1=-2:b2=1:a0=1:a1=-1.99004745483398:a2=0.99007225036621:precision=f64"),
)  # fmt: skip
"""The two filters of BS.1770-4, annex 1, tables 1 and 2, for 48 kHz: the head's shelf and the high-pass."""

METER = ("ebur128", "peak=true:metadata=1:framelog=quiet")


class Loudness(Struct, frozen=True, kw_only=True):
    """The loudness of a sound.

    Attributes:
        lufs: Integrated loudness; None for silence, which has none.
        true_peak_dbtp: Highest point between samples, oversampled four times, in dB of full scale; None for silence.
    """

    lufs: float | None
    true_peak_dbtp: float | None


class Meter:
    """Measures sound as it passes, with FFmpeg's `ebur128`."""

    def __init__(self) -> None:
        self._filter = Filter(METER)

    def push(self, samples: Samples) -> None:
        """Measure the next samples."""
        self._filter.push(samples)

    def finish(self) -> Loudness:
        """Return the loudness of all samples."""
        self._filter.flush()
        metadata = self._filter.metadata
        lufs = float(metadata.get("lavfi.r128.I", "-inf"))
        peak = float(metadata.get("lavfi.r128.true_peak", "0"))
        return Loudness(
            lufs=lufs if lufs > ABSOLUTE_GATE_LUFS else None,
            true_peak_dbtp=20 * math.log10(peak) if peak > 0 else None,
        )


def measure(blocks: Iterable[Samples]) -> Loudness:
    """Return the loudness of `blocks`, one after another."""
    meter = Meter()
    for block in blocks:
        meter.push(block)
    return meter.finish()


def integrated_lufs(powers: Floats) -> float | None:
    """Return the gated loudness of a sound, None if all of it is below the absolute gate.

    Args:
        powers: Mean square of the K-weighted sound in each millisecond, summed over the channels.
    """
    steps = powers[: len(powers) // STEP_MS * STEP_MS].reshape(-1, STEP_MS).mean(axis=1)
    if len(steps) < STEPS_PER_BLOCK:
        return None
    blocks = np.convolve(steps, np.full(STEPS_PER_BLOCK, 1 / STEPS_PER_BLOCK), "valid")
    loud = blocks[blocks > _power(ABSOLUTE_GATE_LUFS)]
    if not len(loud):
        return None
    loud = loud[loud > _power(_lufs(float(loud.mean())) + RELATIVE_GATE_LU)]
    return _lufs(float(loud.mean()))


def _lufs(power: float) -> float:
    return OFFSET_LU + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LU) / 10))
