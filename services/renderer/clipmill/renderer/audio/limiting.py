"""A look-ahead limiter whose whole gain curve is known before a sample is touched.

The clip's sound is recorded, so the limiter can read all of it before it decides. The peaks between samples are found
once (four times oversampled, the way BS.1770-4, annex 2, measures true peaks) and kept as one number per millisecond.
The curve that keeps every peak under the ceiling follows from these numbers alone, which makes trying a gain cheap.

The curve is that of the usual look-ahead design (Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor
Design", JAES 60/6, 2012, with the minimum filter and smoothing of peak limiters). Each moment's reduction begins
`ATTACK_MS` early and is released at a constant number of decibels per second. The result is averaged over the attack,
which never raises the gain above the one that a peak allows.
"""

import numpy as np
from clipmill.renderer.audio.loudness import Floats

ATTACK_MS = 5
"""Time over which the gain goes down: too short to be heard as ducking, too long to be heard as a click."""

RELEASE_DB_PER_MS = 0.06
"""Speed at which the gain comes back: 6 dB in a tenth of a second, within a syllable, but slow against a period of
bass."""

FASTER_DB_PER_MS = (0.2, 0.5)
"""Higher speeds for hits that come so often that the gain would never come back between them: 20 dB in a tenth of a
second, and the highest speed that does not distort bass (10 dB within a period of 50 Hz)."""

SMALLEST = 1e-9


def limited(peaks: Floats, gain_db: float, ceiling_db: float, release_db_per_ms: float = RELEASE_DB_PER_MS) -> Floats:
    """Return the gain that lifts sound by `gain_db` and keeps its peaks under the ceiling.

    Args:
        peaks: Highest absolute value in each millisecond, also between samples.
        gain_db: Wanted gain, in decibels.
        ceiling_db: Highest peak, in decibels of full scale.
        release_db_per_ms: Speed at which the gain comes back after a peak.

    Returns:
        Linear gains at the edges of the milliseconds: one more than there are peaks. The caller interpolates linearly
        between two edges.
    """
    if not len(peaks):
        return np.full(1, 10 ** (gain_db / 20))
    need = np.minimum(0.0, ceiling_db - gain_db - 20 * np.log10(np.maximum(peaks, SMALLEST)))
    edges = np.minimum(np.append(need, 0.0), np.insert(need, 0, 0.0))
    held = np.lib.stride_tricks.sliding_window_view(np.pad(edges, (0, ATTACK_MS), mode="edge"), ATTACK_MS + 1).min(1)
    slope = release_db_per_ms * np.arange(len(held))
    released = np.minimum.accumulate(held - slope) + slope
    smoothed = np.convolve(
        np.pad(released, (ATTACK_MS, 0), mode="edge"), np.full(ATTACK_MS + 1, 1 / (ATTACK_MS + 1)), "valid"
    )
    return np.asarray(10 ** ((gain_db + smoothed) / 20))
