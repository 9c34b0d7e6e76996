"""The fallbacks of a transcription, which the service's log, a metric and the job's log report."""

from collections.abc import Callable
from typing import NamedTuple

from clipmill.transcriber.speech_request import SpeechResult


class Fallback(NamedTuple):
    """A fallback, and its reports.

    Attributes:
        problem: Function that returns the reason or the number in a result; empty or 0 if there was no fallback.
        detail: Name of that reason or number in the log of the service.
        log_event: Event in the log of the service.
        kind: Kind of fallback that the metric counts.
        name: Name of the line in the job's log.
        line: Line of the job's log, in which `{language}` and `{problem}` are replaced.
    """

    problem: Callable[[SpeechResult], str | int]
    detail: str
    log_event: str
    kind: str
    name: str
    line: str


FALLBACKS = (
    Fallback(
        lambda result: result.language_problem,
        detail="reason",
        log_event="recognition_skipped",
        kind="no_words",
        name="language_unknown",
        line='The clips have no captions because the speech is in "{language}", which no speech model of the '
        "transcriber knows.",
    ),
    Fallback(
        lambda result: result.names_left_out,
        detail="left_out",
        log_event="vocabulary_cut",
        kind="short_vocabulary",
        name="vocabulary_cut",
        line="The speech model does not take all of the vocabulary; entries left out: {problem}.",
    ),
    Fallback(
        lambda result: result.alignment_problem,
        detail="reason",
        log_event="alignment_skipped",
        kind="attention_word_times",
        name="alignment_unavailable",
        line="Word times come from Whisper and are less exact, because the alignment model for this language could not "
        "be loaded; the log of the transcriber says why.",
    ),
    Fallback(
        lambda result: result.speakers_problem,
        detail="reason",
        log_event="diarization_skipped",
        kind="no_speakers",
        name="speakers_unavailable",
        line="Speakers are not named because the diarization model could not be loaded; the log of the transcriber "
        "says why.",
    ),
    Fallback(
        lambda result: result.cues_beyond,
        detail="cues",
        log_event="cues_dropped",
        kind="cues_beyond_end",
        name="cues_dropped",
        line="The submitted transcript goes on after the end of the video; cues left out: {problem}.",
    ),
    Fallback(
        lambda result: result.sounds_problem,
        detail="reason",
        log_event="sounds_skipped",
        kind="no_sounds",
        name="sounds_unavailable",
        line="Laughter, applause and music are not marked because the model that hears them could not be loaded; the "
        "log of the transcriber says why.",
    ),
)
"""All fallbacks, in the order in which they are reported."""
