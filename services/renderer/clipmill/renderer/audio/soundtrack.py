"""The clip's sound, from pieces as they are decoded to samples as they are encoded: level, peaks and edges made right.

The source's sound is decoded once. As it is laid on the clip's time line it goes into a temporary file, and its
loudness, its peaks and its levels are noted, a few numbers a millisecond. From those follows the gain that makes the
clip as loud as platforms play it, with a limiter for the peaks; reading the file again, the sound is given out so.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from clipmill.renderer.audio import aac
from clipmill.renderer.audio.filtering import Filter
from clipmill.renderer.audio.levels import MILLISECOND, ROOM_DB, PerMillisecond, is_room, levels_db, peak, power
from clipmill.renderer.audio.limiting import FASTER_DB_PER_MS, RELEASE_DB_PER_MS, limited
from clipmill.renderer.audio.loudness import K_WEIGHTING, Floats, Loudness, integrated_lufs, measure
from clipmill.renderer.audio.sound import CHANNELS, SAMPLE_RATE, Samples, Sound, Timeline
from clipmill.renderer.quality import AUDIO_BITRATE

TARGET_LUFS = -14.0
"""What YouTube, TikTok, Instagram and Spotify play at, or close to it."""

TOLERANCE_LU = 0.2
"""How near to the target is near enough."""

HIGHEST_DBTP = -1.1
"""Of peaks as they are heard: -1 dBTP may not be passed (AES TD1008), and meters differ in the last tenth."""

CEILING_DBTP = -2.0
"""Of peaks before they are encoded: AAC seldom puts back more than 0.6 dB. Where it does the ceiling is lowered."""

PEAK_STEP_DB = 0.1
"""By how much more than peaks were too high the ceiling is lowered."""

MOST_GAIN_DB = 40.0
"""The most that sound is lifted, before its peaks are limited, whatever noise there is under it: enough for all but the
quietest recordings. The noise of a room alone is not lifted at all (see `levels.is_room`)."""

FARTHEST_GAIN_DB = 60.0
"""The most that sound is lifted where that brings up no noise: what lies 56 dB below the target is silence to BS.1770,
and peaks take a few more."""

NOISE_DB = -30.0
"""What noise may be lifted to, dB of full scale, where the usual way falls short: well below the target, so that it is
heard as lying behind the words, and never counts for loudness itself (BS.1770's relative gate is 10 LU)."""

LEAST_GAIN_DB = -60.0

RUMBLE = ("highpass", "f=20:precision=f64")
"""Takes out what nobody hears and what costs level: DC offsets of poor sound cards, and rumble."""

OVERSAMPLED = 4
"""What BS.1770-4, annex 2, asks for at 48 kHz to see the peaks between samples."""

OVERSAMPLING = ("aresample", str(SAMPLE_RATE * OVERSAMPLED))

SAMPLE_BYTES = 4

GAIN_STEP_DB = 0.01

ROUNDS = 5
"""How often at most the sound is mastered, encoded and heard; for speech the first try is right within 0.1 LU."""

LARGEST = 8.0
"""Samples beyond this (18 dB over full scale) come from broken decoders."""

PIECE = SAMPLE_RATE // 2
"""Samples that are worked on together; it only matters for speed and memory."""

FADE_SECONDS = 0.010
"""At both cuts, so that they do not click."""

SILENT_CHANNEL = 1e-4
"""Power of a channel to the other's (-40 dB) below which nothing is plugged in there: the other stands for both."""


class LimiterSetting(NamedTuple):
    """How sound may be lifted: by how many decibels at most, and how fast the limiter lets go."""

    most_db: float
    release_db_per_ms: float


class ChosenGain(NamedTuple):
    """How sound is lifted: by how many decibels, how fast the limiter lets go, and whether that reaches the target."""

    gain_db: float
    release_db_per_ms: float
    reached: bool


class Soundtrack:
    """The sound of one clip: `lay` all of it, `finish`, `master`, then take the `blocks`. A context manager.

    Args:
        directory: for a temporary file, which has no name and is gone when the soundtrack is closed.
        samples: length of the clip.
        bitrate: of the AAC, bits a second.

    Attributes:
        levels_db: RMS of the source's sound for each 10 ms, dB of full scale, once finished.
        loudness: of what a player hears of `blocks`, once mastered.
        gain_db: by which the sound was lifted before its peaks were limited, once mastered.
    """

    def __init__(self, directory: Path, samples: int, bitrate: int = AUDIO_BITRATE) -> None:
        self._length = samples
        self._bitrate = bitrate
        self._timeline = Timeline(samples)
        self._spool = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 (closed by `__exit__`)
        self._waiting: list[Samples] = []
        self._rumble, self._weigh, self._oversample = Filter(RUMBLE), Filter(*K_WEIGHTING), Filter(OVERSAMPLING)
        self._powers = PerMillisecond(MILLISECOND, power)
        self._weighted = PerMillisecond(MILLISECOND, power)
        self._peaks = PerMillisecond(MILLISECOND * OVERSAMPLED, peak)
        self._sides: tuple[int, int] = (0, 1)
        self._gains: Floats = np.ones(1)
        self._encoded = aac.Encoded(b"", ())
        self.levels_db: Floats = np.zeros(0)
        self.loudness = Loudness(lufs=None, true_peak_dbtp=None)
        self.gain_db = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._spool.close()

    def lay(self, sound: Sound) -> None:
        """Put a piece of sound where its time says; see `Timeline`."""
        self._advance(round(sound.time * SAMPLE_RATE) - PIECE)
        self._keep(self._timeline.lay(_sane(sound.samples), sound.time))

    def finish(self) -> None:
        """Fill up with silence to the clip's end, and find its levels."""
        self._advance(self._length)
        self._work()
        self._note(self._rumble.flush())
        self._weighted.push(self._weigh.flush())
        self._peaks.push(self._oversample.flush())
        powers = self._powers.values()
        self._sides = _sides(powers)
        self.levels_db = levels_db(powers)

    def master(self) -> None:
        """Find the gain with which the finished sound is as loud as it should be, its peaks limited; encode it."""
        sides = list(self._sides)
        peaks = self._peaks.values()[sides].max(axis=0)
        weighted = self._weighted.values()[sides].sum(axis=0)
        peaks = np.append(peaks, np.zeros(max(0, len(weighted) - len(peaks))))[: len(weighted)]
        hopeless = integrated_lufs(weighted) is None or is_room(self.levels_db)
        settings = (LimiterSetting(0.0, RELEASE_DB_PER_MS),) if hopeless else _limiter_settings(self.levels_db)
        target, ceiling = TARGET_LUFS, CEILING_DBTP
        for _ in range(ROUNDS):
            chosen = _chosen_gain(target, weighted, peaks, settings, ceiling)
            self.gain_db = chosen.gain_db
            self._gains = limited(peaks, chosen.gain_db, ceiling, chosen.release_db_per_ms)
            self._encoded = aac.encode(self.samples(), self._bitrate)
            self.loudness = measure(aac.decode(self._encoded))
            lufs, peak_dbtp = self.loudness.lufs, self.loudness.true_peak_dbtp
            off = 0.0 if lufs is None else TARGET_LUFS - lufs
            over = 0.0 if peak_dbtp is None else max(0.0, peak_dbtp - HIGHEST_DBTP)
            if not over and (abs(off) <= TOLERANCE_LU or (off > 0 and not chosen.reached)):
                return
            target += off
            ceiling -= over + PEAK_STEP_DB if over else 0.0

    def blocks(self, seconds: float) -> Iterator[Sequence[bytes]]:
        """Yield the finished sound as AAC from start to end, about `seconds` at a time."""
        size = max(1, round(seconds * SAMPLE_RATE / aac.FRAME))
        packets = self._encoded.packets
        for begin in range(0, len(packets), size):
            yield packets[begin : begin + size]

    def samples(self) -> Iterator[Samples]:
        """Yield the finished sound from start to end, before it is encoded."""
        for begin in range(0, self._length, PIECE):
            yield self._mastered(begin, min(self._length, begin + PIECE))

    def _advance(self, to: int) -> None:
        while self._timeline.given < min(to, self._length):
            self._keep(self._timeline.advance(min(to, self._timeline.given + PIECE)))

    def _keep(self, samples: Samples) -> None:
        self._waiting.append(samples)
        if sum(part.shape[1] for part in self._waiting) >= PIECE:
            self._work()

    def _work(self) -> None:
        if self._waiting:
            self._note(self._rumble.push(np.concatenate(self._waiting, axis=1)))
            self._waiting.clear()

    def _note(self, samples: Samples) -> None:
        self._spool.write(np.ascontiguousarray(samples.T).tobytes())
        self._powers.push(samples)
        self._weighted.push(self._weigh.push(samples))
        self._peaks.push(self._oversample.push(samples))

    def _mastered(self, begin: int, end: int) -> Samples:
        first, last = begin // MILLISECOND, -(-end // MILLISECOND)
        self._spool.seek(begin * CHANNELS * SAMPLE_BYTES)
        read = self._spool.read((end - begin) * CHANNELS * SAMPLE_BYTES)
        samples = np.frombuffer(read, np.float32).reshape(-1, CHANNELS)[:, list(self._sides)].T
        edges = np.arange(first, last + 1) * MILLISECOND
        places = np.arange(begin, end)
        gains = np.interp(places, edges, self._gains[first : last + 1])
        fades = np.minimum(places + 0.5, self._length - places - 0.5) / (FADE_SECONDS * SAMPLE_RATE)
        gains *= np.sin(np.pi / 2 * np.clip(fades, 0, 1)) ** 2
        return np.ascontiguousarray(samples * gains, np.float32)


def _sane(samples: Samples) -> Samples:
    """Return samples without what broken decoders put out: infinities, what is no number, absurd peaks."""
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -LARGEST, LARGEST)


def _sides(powers: Floats) -> tuple[int, int]:
    """Return which channel is heard on the left and which on the right."""
    left, right = powers.sum(axis=1)
    if left < right * SILENT_CHANNEL:
        return 1, 1
    if right < left * SILENT_CHANNEL:
        return 0, 0
    return 0, 1


def _limiter_settings(levels: Floats) -> tuple[LimiterSetting, ...]:
    """Return the limiter settings that may lift a sound, the gentlest first, from its levels in decibels."""
    quiet = float(np.percentile(levels, 10))
    most = min(FARTHEST_GAIN_DB, NOISE_DB - quiet) if quiet < ROOM_DB else MOST_GAIN_DB
    farther = [LimiterSetting(most, release) for release in (RELEASE_DB_PER_MS, *FASTER_DB_PER_MS)]
    return (LimiterSetting(MOST_GAIN_DB, RELEASE_DB_PER_MS), *farther)


def _chosen_gain(
    target: float, weighted: Floats, peaks: Floats, settings: Sequence[LimiterSetting], ceiling: float
) -> ChosenGain:
    """Return the gain that gives the loudness `target` by the first of `settings` that can.

    Where none can, the gentlest that comes within the tolerance of the most that any can is taken, and no more gain
    than that needs: beyond it only noise grows. A single setting is gone to its end.
    """
    for setting in settings:
        gain = _gain_for(target, weighted, peaks, setting, ceiling)
        if gain < setting.most_db:
            return ChosenGain(gain, setting.release_db_per_ms, reached=True)
    found = [_lufs(setting.most_db, weighted, peaks, setting, ceiling) for setting in settings]
    most = max((lufs for lufs in found if lufs is not None), default=target)
    setting = next(
        setting for setting, lufs in zip(settings, found, strict=True) if lufs is None or lufs > most - TOLERANCE_LU
    )
    gain = setting.most_db if len(settings) == 1 else _gain_for(most - TOLERANCE_LU, weighted, peaks, setting, ceiling)
    return ChosenGain(gain, setting.release_db_per_ms, reached=False)


def _gain_for(target: float, weighted: Floats, peaks: Floats, setting: LimiterSetting, ceiling: float) -> float:
    """Return the gain in decibels, as far as `setting` goes, that gives the loudness `target` with the peaks limited.

    Loudness grows with the gain, if ever less so the more is limited, so halving the interval finds it.
    """
    least, most = LEAST_GAIN_DB, setting.most_db
    while most - least > GAIN_STEP_DB:
        middle = (least + most) / 2
        found = _lufs(middle, weighted, peaks, setting, ceiling)
        least, most = (middle, most) if found is None or found < target else (least, middle)
    return most


def _lufs(gain_db: float, weighted: Floats, peaks: Floats, setting: LimiterSetting, ceiling: float) -> float | None:
    """Return how loud the sound becomes, None if it stays silence."""
    gains = limited(peaks, gain_db, ceiling, setting.release_db_per_ms) ** 2
    return integrated_lufs(weighted * (gains[1:] + gains[:-1]) / 2)
