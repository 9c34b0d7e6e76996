"""`clipmill submit`, `status`, `jobs`, `cancel` and `delete`: submit, follow, save, report, list and end jobs."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import aclosing, nullcontext
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from clipmill.cli.client.connection import Client, Interrupted, JobQuery
from clipmill.cli.client.following import Snapshot, fetch_snapshot, follow
from clipmill.cli.client.saving import ClipSaver
from clipmill.cli.client.submission import Submission
from clipmill.cli.outcomes import WorkFailed, WrongRequest
from clipmill.cli.screen.clip_table import print_clips
from clipmill.cli.screen.display import Display, choose_display
from clipmill.cli.screen.tables import new_table, print_table
from clipmill.contracts.api import CANCELLED, Only
from clipmill.contracts.status import JobState, PublicResult
from msgspec import UNSET, Struct, UnsetType
from rich.text import Text

ENDINGS = {
    "cancelled": "Job {} is cancelled.",
    "cancelling": "Job {} is being cancelled; `clipmill status` will show the end in a moment.",
    "deleted": "Job {} and its clips are deleted.",
    "completed": "Job {} stays completed; its clips that were not ready are cancelled.",
}


class Report(Struct, frozen=True, kw_only=True):
    """The one document that `--json` prints.

    Attributes:
        job_id: Id of the job.
        status: Status of the job.
        logs: Log of the job.
        result: Clips and cost of the job, None while there are none.
        files: Paths of the clips saved by `--output`, by their `video_url`.
    """

    job_id: str
    status: JobState
    logs: tuple[str, ...]
    result: PublicResult | None
    files: dict[str, str] | UnsetType = UNSET


class ReportOptions(Struct, frozen=True, kw_only=True):
    """The options by which a command reports on a job.

    Attributes:
        server: Address of the server.
        wait: True to follow the job to its end.
        as_json: True to print only one JSON document on standard output.
        output: Folder in which clips are saved as they appear, None to save none.
    """

    server: str
    wait: bool = False
    as_json: bool = False
    output: Path | None = None

    def display(self) -> Display:
        """Return the display of the job while it runs."""
        return choose_display(sys.stderr if self.as_json else sys.stdout)


def parse_source(text: str) -> Path | str:
    """Return the file or the http(s) URL that `text` names.

    Raises:
        WrongRequest: if `text` names neither.
    """
    if "://" in text:
        if urlsplit(text).scheme.lower() in ("http", "https"):
            return text
        raise WrongRequest(f"{text} is not an http or https address; give an http(s) URL or a video file.")
    path = Path(text)
    try:
        if path.is_file():
            return path
        problem = f"{text} is not a file" if path.exists() else f"There is no file {text}"
    except OSError as error:
        problem = f"{text} cannot be read ({error.strerror})"
    raise WrongRequest(f"{problem}; give a video file or an http(s) URL.")


async def submit(
    source: Path | str,
    options: Submission,
    reporting: ReportOptions,
    *,
    gemini_key: str | None,
    accepted: Callable[[str], None],
) -> None:
    """Submit `source` and report on its job.

    Args:
        source: File or http(s) URL.
        options: Options of the job.
        reporting: Options of the report.
        gemini_key: Key for this job only.
        accepted: Callback for the job's id as soon as there is one.

    Raises:
        WorkFailed: if the job failed.
        WrongRequest: if the server refuses the job.
        ServerUnavailable: if the server cannot be reached.
    """
    async with Client(reporting.server) as client:
        with reporting.display() as display:
            job = await hand_over(client, source, options, display, gemini_key=gemini_key)
            accepted(job)
            end, files = await watch(client, job, reporting, display)
        report(job, end, files, reporting)


async def hand_over(
    client: Client, source: Path | str, options: Submission, display: Display, *, gemini_key: str | None = None
) -> str:
    """Send `source` to the server, show the progress of the upload and return the job's id.

    Raises:
        WrongRequest: if the file cannot be read, or the server refuses the job.
        ServerUnavailable: if the server cannot be reached.
    """
    if isinstance(source, str):
        return await client.submit_url(source, options, gemini_key=gemini_key)
    try:
        size = (await asyncio.to_thread(source.stat)).st_size
    except OSError as error:
        raise WrongRequest(f"{source} cannot be read ({error.strerror}); check the file.") from error
    return await client.submit_file(
        source, options, gemini_key=gemini_key, sent=lambda sent: display.uploading(sent, size)
    )


async def show(job: str, reporting: ReportOptions) -> None:
    """Report on the job `job`, and follow it if `reporting` says so.

    Raises:
        WorkFailed: if the job failed.
        WrongRequest: if the server does not know the job.
        ServerUnavailable: if the server cannot be reached.
    """
    async with Client(reporting.server) as client:
        with reporting.display() as display:
            end, files = await watch(client, job, reporting, display)
        report(job, end, files, reporting)


async def list_jobs(query: JobQuery, server: str, *, as_json: bool) -> None:
    """Print the server's jobs that match `query`, newest first.

    Raises:
        WrongRequest: if the server refuses the query.
        ServerUnavailable: if the server cannot be reached.
    """
    async with Client(server) as client:
        found = await client.jobs(query)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    table = new_table("job", "status", "done", "clips", "created", "source")
    for job in found.jobs:
        created = datetime.fromtimestamp(job.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(job.job_id, job.status, f"{job.percent} %", str(job.clips_ready), created, Text(job.source))
    print_table(table, sys.stdout)
    if found.next is not None:
        sys.stdout.write(f"There are more jobs; list them with --before {found.next}.\n")


async def end(job: str, only: Only, server: str, *, as_json: bool) -> None:
    """Cancel or delete the job `job`, and print the result.

    Raises:
        WrongRequest: if the server does not know the job, or cannot end it this way now.
        ServerUnavailable: if the server cannot be reached.
    """
    async with Client(server) as client:
        ended = await client.end(job, only)
    sentence = ENDINGS.get(ended.status, f"Job {{}} is {ended.status}.").format(ended.job_id)
    sys.stdout.write((msgspec.json.encode(ended).decode() if as_json else sentence) + "\n")


async def watch(
    client: Client, job: str, reporting: ReportOptions, display: Display
) -> tuple[Snapshot, dict[str, Path]]:
    """Show the job, once or to its end, and save its clips if `reporting` names a folder.

    Returns:
        The last snapshot, and the saved files by their clip's `video_url`.
    """
    if not reporting.wait:
        snapshot = await _fetch_once(client, job)
        if not reporting.as_json:
            display.show(snapshot)
        return snapshot, {}
    saver = None if reporting.output is None else ClipSaver(client, reporting.output, display.saved)
    async with saver or nullcontext(), aclosing(follow(client, job, notice=display.notice)) as snapshots:
        async for snapshot in snapshots:
            display.show(snapshot)
            if saver is not None:
                saver.save(clip.video_url for clip in snapshot.clips)
    return snapshot, {} if saver is None else saver.files


async def _fetch_once(client: Client, job: str) -> Snapshot:
    try:
        return await fetch_snapshot(client, job)
    except Interrupted as interruption:
        raise interruption.unavailable from interruption


def report(job: str, end: Snapshot, files: dict[str, Path], reporting: ReportOptions) -> None:
    """Print the job's document, or the table of its clips.

    Raises:
        WorkFailed: if the job failed.
    """
    status = end.status
    if reporting.as_json:
        saved = UNSET if reporting.output is None else {url: str(path) for url, path in files.items()}
        document = Report(job_id=job, status=status.status, logs=status.logs, result=status.result, files=saved)
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
        sys.stdout.flush()
    elif end.clips:
        print_clips(end.clips, files, sys.stdout)
    if status.status is JobState.FAILED:
        if end.view is not None and end.view.status == CANCELLED:
            raise WorkFailed(f"Job {job} was cancelled.")
        raise WorkFailed(f"Job {job} failed. {failure_sentence(end)}")


def failure_sentence(end: Snapshot) -> str:
    """Return the reason why a job failed, from its view or the end of its log."""
    if end.view is not None and end.view.error is not None:
        return end.view.error.sentence
    return end.status.logs[-1] if end.status.logs else "The job's log is empty."
