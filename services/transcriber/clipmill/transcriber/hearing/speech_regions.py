"""Where somebody speaks, and which stretches of it are recognised together."""

from collections.abc import Iterable
from typing import NamedTuple

from clipmill.transcriber.hearing.audio import RATE, Samples
from faster_whisper.vad import VadOptions, get_speech_timestamps

WINDOW_SECONDS = 30.0
"""What Whisper hears at once."""

LONGEST_PAUSE_SECONDS = 3.0
"""A silence longer than this is not given to Whisper: it would fill it with words that nobody said."""

_OPTIONS = VadOptions(max_speech_duration_s=WINDOW_SECONDS, min_silence_duration_ms=160)
"""As faster-whisper's batched pipeline sets them: pauses between sentences become seams, so no word is cut."""


class SpeechRegion(NamedTuple):
    """From `start` to `end`, seconds."""

    start: float
    end: float


class SpeechDetector:
    """Silero's voice detector as faster-whisper brings it: 0.4 s of a CPU for a minute, no download."""

    def __call__(self, samples: Samples) -> list[SpeechRegion]:
        """Return where somebody speaks, in order.

        Args:
            samples: mono sound at `RATE`.
        """
        return [
            SpeechRegion(found["start"] / RATE, found["end"] / RATE)
            for found in get_speech_timestamps(samples, _OPTIONS)
        ]


def windows(regions: Iterable[SpeechRegion]) -> list[SpeechRegion]:
    """Join neighbouring stretches into windows of at most `WINDOW_SECONDS`, short pauses included."""
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
