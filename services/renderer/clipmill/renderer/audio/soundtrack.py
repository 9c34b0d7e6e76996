"""The clip's sound, from decoded pieces to AAC: its loudness, peaks and edges are adjusted.

The source's sound is decoded once. The soundtrack places it on the clip's time line, writes it to a temporary file, and
notes its loudness, peaks and levels as a few numbers per millisecond. From these follows the gain that makes the clip
as loud as platforms play it, with a limiter for the peaks. Reading the file back, the soundtrack applies the gain.
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
"""Loudness at which YouTube, TikTok, Instagram and Spotify play sound, or nearly."""

TOLERANCE_LU = 0.2
"""Distance from the target that is accepted."""

HIGHEST_DBTP = -1.1
"""Highest decoded peak: -1 dBTP may not be exceeded (AES TD1008), and meters differ by the last tenth."""

CEILING_DBTP = -2.0
"""Highest peak before encoding: AAC seldom adds more than 0.6 dB. Where it does, the ceiling is lowered."""

PEAK_STEP_DB = 0.1
"""Decibels by which the ceiling is lowered in addition to the decibels by which peaks were too high."""

MOST_GAIN_DB = 40.0
"""Highest gain before peaks are limited, for any amount of noise: enough for all but the quietest recordings. The noise
of a room alone gets no gain at all (see `levels.is_room`)."""

FARTHEST_GAIN_DB = 60.0
"""Highest gain for a sound in which gain brings up no noise: sound 56 dB below the target is silence to BS.1770, and
limited peaks need a few decibels more."""

NOISE_DB = -30.0
"""Level up to which noise may be lifted, in dB of full scale, where the usual gain is too low. It is well below the
target: noise stays behind the words and does not count for loudness itself (BS.1770's relative gate is 10 LU)."""

LEAST_GAIN_DB = -60.0

RUMBLE = ("highpass", "f=20:precision=f64")
"""Removes inaudible sound that costs level: DC offsets of poor sound cards, and rumble."""

OVERSAMPLED = 4
"""Oversampling that BS.1770-4, annex 2, requires at 48 kHz to find the peaks between samples."""

OVERSAMPLING = ("aresample", str(SAMPLE_RATE * OVERSAMPLED))

SAMPLE_BYTES = 4

GAIN_STEP_DB = 0.01

ROUNDS = 5
"""Most times that the sound is mastered, encoded and measured; for speech the first gain is right within 0.1 LU."""

LARGEST = 8.0
"""Largest plausible sample (18 dB over full scale); broken decoders put out larger ones."""

PIECE = SAMPLE_RATE // 2
"""Samples that are processed together; the number matters only for speed and memory."""

FADE_SECONDS = 0.010
"""Length of the shortest fades at the clip's start and end, which prevent clicks."""

SILENT_CHANNEL = 1e-4
"""Power relative to the other channel's (-40 dB) below which a channel counts as one without a microphone; the other
channel is then heard on both sides."""


class LimiterSetting(NamedTuple):
    """Limits of a gain: the most decibels, and the speed at which the limiter releases."""

    most_db: float
    release_db_per_ms: float


class ChosenGain(NamedTuple):
    """The gain of a sound in decibels, the speed at which the limiter releases, and whether the target is reached."""

    gain_db: float
    release_db_per_ms: float
    reached: bool


class Soundtrack:
    """The sound of one clip: `lay` all of it, `finish`, `master`, then take the `blocks`. A context manager.

    Args:
        directory: Directory for a temporary file, which has no name and vanishes when the soundtrack is closed.
        samples: Length of the clip, in samples.
        bitrate: Bit rate of the AAC, in bits per second.
        fade_in: Length of the fade at the start, in seconds; at least `FADE_SECONDS` are used.
        fade_out: Length of the fade at the end, in seconds; at least `FADE_SECONDS` are used.

    Attributes:
        levels_db: RMS of each 10 ms of the source's sound, in dB of full scale; set by `finish`.
        loudness: Loudness of the decoded `blocks`; set by `master`.
        gain_db: Gain before peaks were limited, in decibels; set by `master`.
    """

    def __init__(
        self,
        directory: Path,
        samples: int,
        bitrate: int = AUDIO_BITRATE,
        *,
        fade_in: float = 0.0,
        fade_out: float = 0.0,
    ) -> None:
        self._length = samples
        self._fade_in, self._fade_out = (max(fade, FADE_SECONDS) * SAMPLE_RATE for fade in (fade_in, fade_out))
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
        """Place a piece of sound at its time; see `Timeline`."""
        self._advance(round(sound.time * SAMPLE_RATE) - PIECE)
        self._keep(self._timeline.lay(_sane(sound.samples), sound.time))

    def finish(self) -> None:
        """Fill the sound up with silence to the clip's end, and measure its levels."""
        self._advance(self._length)
        self._work()
        self._note(self._rumble.flush())
        self._weighted.push(self._weigh.flush())
        self._peaks.push(self._oversample.flush())
        powers = self._powers.values()
        self._sides = _sides(powers)
        self.levels_db = levels_db(powers)

    def master(self) -> None:
        """Find the gain that brings the finished sound, its peaks limited, to the target; encode it."""
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
        fades = np.minimum((places + 0.5) / self._fade_in, (self._length - places - 0.5) / self._fade_out)
        gains *= np.sin(np.pi / 2 * np.clip(fades, 0, 1)) ** 2
        return np.ascontiguousarray(samples * gains, np.float32)


def _sane(samples: Samples) -> Samples:
    """Return samples without infinities, NaNs and absurd peaks, which broken decoders put out."""
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -LARGEST, LARGEST)


def _sides(powers: Floats) -> tuple[int, int]:
    """Return the channels that are heard on the left and on the right."""
    left, right = powers.sum(axis=1)
    if left < right * SILENT_CHANNEL:
        return 1, 1
    if right < left * SILENT_CHANNEL:
        return 0, 0
    return 0, 1


def _limiter_settings(levels: Floats) -> tuple[LimiterSetting, ...]:
    """Return the settings to try for a sound with these levels in decibels, the gentlest first."""
    quiet = float(np.percentile(levels, 10))
    most = min(FARTHEST_GAIN_DB, NOISE_DB - quiet) if quiet < ROOM_DB else MOST_GAIN_DB
    farther = [LimiterSetting(most, release) for release in (RELEASE_DB_PER_MS, *FASTER_DB_PER_MS)]
    return (LimiterSetting(MOST_GAIN_DB, RELEASE_DB_PER_MS), *farther)


def _chosen_gain(
    target: float, weighted: Floats, peaks: Floats, settings: Sequence[LimiterSetting], ceiling: float
) -> ChosenGain:
    """Return the gain that gives the loudness `target`, with the first of `settings` that reaches it.

    If no setting reaches it, the new target is TOLERANCE_LU below the highest loudness that any setting gives. The
    first setting that reaches the new target is used, with only as much gain as this takes, because more gain would
    only lift noise. A single setting gets its full gain (`most_db`).
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
    """Return the gain in decibels, up to the setting's most, that gives the loudness `target` with the peaks limited.

    Loudness grows with the gain, though less and less as peaks are limited, so bisection finds it.
    """
    least, most = LEAST_GAIN_DB, setting.most_db
    while most - least > GAIN_STEP_DB:
        middle = (least + most) / 2
        found = _lufs(middle, weighted, peaks, setting, ceiling)
        least, most = (middle, most) if found is None or found < target else (least, middle)
    return most


def _lufs(gain_db: float, weighted: Floats, peaks: Floats, setting: LimiterSetting, ceiling: float) -> float | None:
    """Return the loudness of the sound with a gain, None if it stays silent."""
    gains = limited(peaks, gain_db, ceiling, setting.release_db_per_ms) ** 2
    return integrated_lufs(weighted * (gains[1:] + gains[:-1]) / 2)
