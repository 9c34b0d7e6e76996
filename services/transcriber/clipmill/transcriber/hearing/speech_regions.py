"""The regions in which somebody speaks, and the windows of them that are recognised together."""

from collections.abc import Iterable
from typing import NamedTuple

from clipmill.transcriber.hearing.audio import RATE, Samples
from faster_whisper.vad import VadOptions, get_speech_timestamps

WINDOW_SECONDS = 30.0
"""Longest sound that Whisper takes at once."""

LONGEST_PAUSE_SECONDS = 3.0
"""Longest silence given to Whisper, which fills longer ones with words that nobody said."""

_OPTIONS = VadOptions(max_speech_duration_s=WINDOW_SECONDS, min_silence_duration_ms=160)
"""The options of faster-whisper's batched pipeline, which cut at pauses between sentences and never in a word."""


class SpeechRegion(NamedTuple):
    """A region of sound from `start` to `end`, in seconds."""

    start: float
    end: float


class SpeechDetector:
    """Silero's voice detector, which faster-whisper bundles; it takes 0.4 s of a CPU for a minute of sound."""

    def __call__(self, samples: Samples) -> list[SpeechRegion]:
        """Return the regions in which somebody speaks, in order.

        Args:
            samples: Mono sound at `RATE`.
        """
        return [
            SpeechRegion(found["start"] / RATE, found["end"] / RATE)
            for found in get_speech_timestamps(samples, _OPTIONS)
        ]


def windows(regions: Iterable[SpeechRegion]) -> list[SpeechRegion]:
    """Return neighbouring regions joined into windows of at most `WINDOW_SECONDS`, short pauses included."""
    joined: list[SpeechRegion] = []
    for region in regions:
        if (
            joined
            and region.end - joined[-1].start <= WINDOW_SECONDS
            and region.start - joined[-1].end <= LONGEST_PAUSE_SECONDS
        ):
            joined[-1] = SpeechRegion(joined[-1].start, region.end)
        else:
            joined.append(region)
    return joined
