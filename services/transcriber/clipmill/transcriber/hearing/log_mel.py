"""The front end of YAMNet: sound as patches of a log-mel spectrogram, computed piece by piece.

The numbers are those of the published model (github.com/tensorflow/models, research/audioset/yamnet, `params.py` and
`features.py`). The mel scale is HTK's, and the triangles of its filters are straight in mel, not in Hz.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
from clipmill.transcriber.hearing.audio import RATE, Samples

WINDOW_SAMPLES = 400
"""Samples in a frame: 25 ms."""

HOP_SAMPLES = 160
"""Samples from one frame to the next: 10 ms."""

FFT_SAMPLES = 512
"""Length of the Fourier transform: the next power of two after the window."""

BANDS = 64
"""Number of mel bands."""

LOWEST_HZ = 125.0
"""Lower edge of the first band."""

HIGHEST_HZ = 7500.0
"""Upper edge of the last band."""

LOG_OFFSET = 0.001
"""Number that is added before the logarithm, so that silence has one."""

PATCH_FRAMES = 96
"""Frames in a patch: 0.96 s."""

PATCH_HOP_FRAMES = 48
"""Frames from the start of one patch to that of the next: 0.48 s."""

PATCH_HOP_SAMPLES = PATCH_HOP_FRAMES * HOP_SAMPLES

PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES
"""Samples that a patch needs: 0.975 s."""

PIECE_SAMPLES = 30 * RATE
"""Longest sound that is transformed at once, because its spectrum takes ten times its memory: 20 MB for 30 s."""

Patches = npt.NDArray[np.float32]
"""Log-mel patches of shape (number, `PATCH_FRAMES`, `BANDS`)."""


def log_mel(samples: Samples) -> Patches:
    """Return the log-mel spectrum of each whole frame of sound at `RATE`, in the shape (frames, `BANDS`).

    Args:
        samples: Mono sound of `WINDOW_SAMPLES` samples or more.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP_SAMPLES]
    magnitudes = np.abs(np.fft.rfft(frames * _window(), FFT_SAMPLES))
    bands: Patches = np.log(magnitudes @ mel_filters() + LOG_OFFSET).astype(np.float32)
    return bands


@cache
def mel_filters() -> npt.NDArray[np.float32]:
    """Return the share of each frequency of the spectrum in each mel band, in the shape (frequencies, `BANDS`)."""
    frequencies = mel(np.linspace(0.0, RATE / 2, FFT_SAMPLES // 2 + 1))[:, None]
    edges = np.linspace(mel(LOWEST_HZ), mel(HIGHEST_HZ), BANDS + 2)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    filters: npt.NDArray[np.float32] = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    return filters


def mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return frequencies on HTK's mel scale."""
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


@cache
def _window() -> npt.NDArray[np.float32]:
    """Return the periodic Hann window; `numpy.hanning` is the symmetric one."""
    turns = np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES
    window: npt.NDArray[np.float32] = (0.5 - 0.5 * np.cos(2 * np.pi * turns)).astype(np.float32)
    return window


class PatchStream:
    """The patches of sound that comes in blocks of any length; it holds no more than a patch between two blocks."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._covered = False

    def add(self, samples: Samples) -> Iterator[Patches]:
        """Yield the patches that `samples` complete, in order, of `PIECE_SAMPLES` at a time.

        Args:
            samples: Next block of mono sound at `RATE`.
        """
        for begin in range(0, len(samples), PIECE_SAMPLES):
            yield from self._advance(np.concatenate((self._rest, samples[begin : begin + PIECE_SAMPLES])))

    def finish(self) -> Iterator[Patches]:
        """Yield the patch of the end, filled up with silence, unless earlier ones reach it."""
        unheard = len(self._rest) - (PATCH_SAMPLES - PATCH_HOP_SAMPLES if self._covered else 0)
        if unheard > 0:
            yield from self._advance(np.pad(self._rest, (0, PATCH_SAMPLES - len(self._rest))))

    def _advance(self, samples: Samples) -> Iterable[Patches]:
        """Return the patches of `samples` and keep the samples from which the next patch begins."""
        count = max(0, (len(samples) - PATCH_SAMPLES) // PATCH_HOP_SAMPLES + 1)
        self._rest = samples[count * PATCH_HOP_SAMPLES :].copy()
        if not count:
            return []
        self._covered = True
        frames = log_mel(samples[: (count - 1) * PATCH_HOP_SAMPLES + PATCH_SAMPLES])
        starts = range(0, count * PATCH_HOP_FRAMES, PATCH_HOP_FRAMES)
        return [np.stack([frames[start : start + PATCH_FRAMES] for start in starts])]
