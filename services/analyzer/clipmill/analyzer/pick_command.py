"""`python -m clipmill.analyzer pick` plans the documents on standard input locally, without servers."""

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.analyzer.talk.audience import Audience, audience_from
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import MediaFacts, PlannedClip, Scenes, Transcript
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import CLIP_SECONDS_FLOOR, CLIP_SECONDS_LIMIT, CLIPS_LIMIT, JobOptions
from clipmill.contracts.source_range import used_range
from clipmill.messaging.service import configured
from clipmill.operations.logs import get_logger
from msgspec import Struct

SECONDS_FLOOR = 0.001
"""Shortest source that is planned, in seconds. Clips have whole milliseconds, so a shorter source has no clip."""

SECONDS_LIMIT = 7 * 86400.0
"""Longest source that is planned, in seconds: far longer than any that is downloaded, and still planned quickly."""

STREAM_CLOSED = 1
"""Exit status if standard input or output is closed, at the start or later."""

DESCRIPTION = (
    "Plan clips locally, without servers. Each line of standard input is a JSON object with media, transcript and "
    'scenes, and optionally options. Each line of standard output is {"clips": [...]} or {"error": {"code", '
    '"sentence"}}. The exit status is 0 if every line was answered, 1 if standard input or output is closed, 2 if a '
    "setting is wrong."
)

log = get_logger(__name__)


class Documents(Struct, frozen=True, kw_only=True):
    """The documents of a job, as its stages store them, in one line of input."""

    media: MediaFacts
    transcript: Transcript
    scenes: Scenes
    options: JobOptions = JobOptions()


class Picked(Struct, frozen=True):
    """The answer to a line: the clips of the plan and its reserve, each the best first."""

    clips: tuple[PlannedClip, ...]
    reserve: tuple[PlannedClip, ...] = ()


class Problem(Struct, frozen=True, kw_only=True):
    """The reason why a line has no plan, as a stable code and a sentence."""

    code: ErrorCode
    sentence: str


class Refused(Struct, frozen=True):
    """The answer to a line that has no plan."""

    error: Problem


def pick(arguments: Sequence[str]) -> int:
    """Run `pick`: answer every line of standard input, and return the exit status.

    Args:
        arguments: Words after `pick`.
    """
    parser = argparse.ArgumentParser(prog="python -m clipmill.analyzer pick", description=DESCRIPTION)
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="Data file of the learned model of audiences, in place of the bundled one (see tools/moments).",
    )
    weights = parser.parse_args(arguments).weights
    settings = configured("analyzer", AnalyzerSettings)
    try:
        audience = audience_from(weights) if settings.audience else None
    except (OSError, ValueError) as reason:
        parser.error(f"argument --weights: {reason}")
    if sys.stdin is None or sys.stdout is None:
        log.error("stream_closed", sentence="Standard input or standard output is closed; run pick with both open.")
        return STREAM_CLOSED
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing to clean up
    try:
        answer_lines(sys.stdin.buffer, sys.stdout.buffer, audience)
    except BrokenPipeError:
        # The interpreter flushes the rest at its end, and would complain about the broken pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STREAM_CLOSED
    return 0


def answer_lines(lines: Iterable[bytes], answers: BinaryIO, audience: Audience | None = None) -> None:
    """Write the answer to each of `lines` to `answers`, each as soon as it is known.

    Args:
        lines: Lines of input.
        answers: Stream of the answers.
        audience: Learned model of what audiences react to, None to do without.

    Raises:
        OSError: if an answer cannot be written.
    """
    for line in lines:
        answers.write(msgspec.json.encode(answer(line, audience)) + b"\n")
        answers.flush()


def answer(line: bytes, audience: Audience | None = None) -> Picked | Refused:
    """Return the clips that are picked locally for the documents in `line`, or the reason why there are none.

    Args:
        line: Documents of a job, as JSON.
        audience: Learned model of what audiences react to, None to do without.
    """
    try:
        documents = msgspec.json.decode(line, type=Documents)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _refused(
            ErrorCode.BAD_REQUEST, f"The line does not hold the documents of a job: {str(error).rstrip('.')}."
        )
    if problem := _problem_with(documents):
        return _refused(ErrorCode.BAD_REQUEST, problem)
    try:
        used_range(documents.options, documents.media.duration)
    except Permanent as failure:
        return _refused(failure.code, failure.sentence)
    try:
        material = Material(documents.media, documents.transcript, documents.scenes, documents.options, audience)
        plan = plan_of(material)
        return Picked(plan.clips, plan.reserve)
    except Exception:  # one line must not end the run of all
        log.exception("line_failed")
        return _refused(ErrorCode.INTERNAL, "Picking clips failed; read the reason on standard error.")


def _problem_with(documents: Documents) -> str:
    """Return a sentence about a value in `documents` that no stage would store, empty if there is none."""
    options = documents.options
    if not SECONDS_FLOOR <= documents.media.duration <= SECONDS_LIMIT:
        return f"media.duration must be at least {SECONDS_FLOOR:g} and at most {SECONDS_LIMIT:g} seconds."
    if (options.start or 0.0) < 0:
        return "options.start must not be negative."
    if options.target_clips is not None and not 1 <= options.target_clips <= CLIPS_LIMIT:
        return f"options.target_clips must be 1 to {CLIPS_LIMIT}."
    if not CLIP_SECONDS_FLOOR <= options.clip_min_seconds <= options.clip_max_seconds <= CLIP_SECONDS_LIMIT:
        return (
            f"options.clip_min_seconds must be at least {CLIP_SECONDS_FLOOR:g}, options.clip_max_seconds at most "
            f"{CLIP_SECONDS_LIMIT:g}, and the first must not exceed the second."
        )
    return ""


def _refused(code: ErrorCode, sentence: str) -> Refused:
    return Refused(Problem(code=code, sentence=sentence))
