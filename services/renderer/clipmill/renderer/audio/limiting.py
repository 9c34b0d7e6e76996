"""A look-ahead limiter whose whole gain curve is known before a sample is touched.

The clip's sound is recorded, so nothing needs to be decided as it passes. The peaks between samples are found once
(four times oversampled, as BS.1770-4, annex 2, measures true peaks) and kept as one number a millisecond; for any gain
that is tried, the curve that keeps every peak under the ceiling follows from those alone, so that trying is cheap.

The curve is that of the usual look-ahead design (Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor
Design", JAES 60/6, 2012, with the minimum filter and smoothing of peak limiters): what each moment needs, held back to
`ATTACK_MS` before it, let go at a constant number of decibels a second, then averaged over the attack, which by
construction never rises above the need.
"""

import numpy as np
from clipmill.renderer.audio.loudness import Floats

ATTACK_MS = 5
"""Over which the gain goes down: short enough not to be heard as ducking, long enough not to be heard as a click."""

RELEASE_DB_PER_MS = 0.06
"""How fast the gain comes back: 6 dB in a tenth of a second, inside a syllable, slow against the period of bass."""

FASTER_DB_PER_MS = (0.2, 0.5)
"""The same where hits come so often that at the usual speed all between them would stay down: 20 dB in a tenth of a
second, and as much as can be had before bass is bent within its period (10 dB in one of 50 Hz)."""

SMALLEST = 1e-9


def limited(peaks: Floats, gain_db: float, ceiling_db: float, release_db_per_ms: float = RELEASE_DB_PER_MS) -> Floats:
    """Return the gain that lifts sound by `gain_db` and keeps its peaks under the ceiling.

    Args:
        peaks: the highest absolute value in each millisecond, between samples included.
        gain_db: wanted, decibels.
        ceiling_db: decibels of full scale.
        release_db_per_ms: how fast the gain comes back after a peak.

    Returns:
        Gains, linear, at the edges of the milliseconds: one more than there are peaks. Between two edges the gain is
        to be interpolated linearly.
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
