"""The lines of a job's log that clients may rely on, in one place and to the letter."""

from clipmill.contracts.documents import Origin
from clipmill.contracts.identifiers import JobId

STARTED = "Job started by worker."
DOWNLOADING = {
    Origin.YOUTUBE: "Downloading video from YouTube...",
    Origin.URL: "Downloading video...",
    Origin.UPLOAD: "Receiving upload...",
}
TRANSCRIBING = "Transcribing audio with Whisper..."
PLACING = "Using the submitted transcript..."
DETECTING = "Detecting scenes with PySceneDetect..."
ANALYZING_WITH_GEMINI = "Analyzing viral moments with Gemini AI..."
ANALYZING_LOCALLY = "Analyzing viral moments locally (no Gemini key)..."
FINISHED = "Process finished successfully."
FAILED = "Process failed with exit code 1"
CANCELLED = "Job cancelled."
RETRIED = "Job reopened by the operator."
REVIVED = "Job was interrupted; it continues, and finished stages are not repeated."


def queued(job: JobId) -> str:
    """Return the first line of every job."""
    return f"Job {job} queued."


def analyzing_with(model: str) -> str:
    """Return the line for a model other than Gemini that chooses the moments."""
    return f"Analyzing viral moments with {model}..."


def clip_ready(number: int, count: int, title: str) -> str:
    """Return the line for a clip that can be watched."""
    return f"Clip {number} of {count} ready: {title}"


def moments_rendered(rendered: int, good: int, left: int, *, others: int = 0, good_left: int | None = None) -> str:
    """Return the line about the good moments of a source; it stands before the last line of a job that succeeds.

    Args:
        rendered: Number of good moments that are rendered.
        good: Number of good moments.
        left: Number of moments in reserve.
        others: Number of other moments that are rendered.
        good_left: Number of good moments in reserve, None for all of them.
    """
    if not good:
        return f"No moment is good; {_number_is(others)} rendered, and {_number_is(left)} in reserve."
    beside = f" and {others} {'other' if others == 1 else 'others'}" if others else ""
    kept = "" if good_left in (None, left) else f", {good_left or 'none'} of them good"
    return f"{rendered} of {good} good moments{beside} rendered; {left} in reserve{kept}."


def _number_is(number: int) -> str:
    return f"{number} {'is' if number == 1 else 'are'}"


def clip_failed(number: int, count: int, sentence: str) -> str:
    """Return the line for a clip that could not be rendered."""
    return f"Clip {number} of {count} failed: {sentence}"


def execution_error(sentence: str) -> str:
    """Return the last line of a job that failed."""
    return f"Execution error: {sentence}"


def clip_retried(number: int) -> str:
    """Return the line for a clip that an operator has rendered again."""
    return f"Clip {number} is tried again."
