"""The work of `clipmill clips` and `clipmill more`: list clips, have more of them rendered, and save these."""

import shlex
import sys
from collections.abc import Callable
from contextlib import aclosing, nullcontext
from pathlib import Path

import click
import msgspec
from clipmill.cli.client.connection import DEFAULT_SERVER, Client, Interrupted
from clipmill.cli.client.following import follow_clips
from clipmill.cli.client.saving import ClipSaver
from clipmill.cli.commands.jobs import ReportOptions
from clipmill.cli.outcomes import WorkFailed
from clipmill.cli.screen.clip_table import print_explained
from clipmill.cli.screen.display import printable
from clipmill.contracts.api import CANCELLED, ClipList, ClipsAccepted, ClipState, ClipView, MoreClips
from clipmill.contracts.status import JobState
from msgspec import UNSET, Struct, UnsetType

STATES = {
    JobState.COMPLETED: "has completed",
    JobState.FAILED: "has failed",
    CANCELLED: "was cancelled",
}
"""The words about a job that has ended; one at work is what its status says."""


class WantedReport(Struct, frozen=True, kw_only=True):
    """The one document that `clipmill more --json` prints.

    Attributes:
        job_id: Id of the job.
        numbers: Numbers of the wanted clips.
        clips: Clips as they are in the end, if the command has waited.
        files: Paths of the clips saved by `--output`, by their `url`.
    """

    job_id: str
    numbers: tuple[int, ...]
    clips: tuple[ClipView, ...] | UnsetType = UNSET
    files: dict[str, str] | UnsetType = UNSET


async def list_clips(job: str, server: str, *, as_json: bool) -> None:
    """Print the clips of `job` and its reserve.

    Raises:
        WrongRequest: if the server does not know the job.
        ServerUnavailable: if the server cannot be reached.
    """
    async with Client(server) as client:
        try:
            found = await client.clips(job)
        except Interrupted as interruption:
            raise interruption.unavailable from interruption
    clips = (*found.clips, *found.reserve)
    if as_json:
        _print_json(found)
    elif clips:
        print_explained(clips, sys.stdout)
    else:
        state = STATES.get(found.status, f"is {found.status}")
        click.echo(f"Job {found.job_id} has no clips{f'; it {state}' if found.status else ''}.")


async def want(job: str, wish: MoreClips, reporting: ReportOptions, *, accepted: Callable[[], None]) -> None:
    """Have clips of the reserve of `job` rendered; follow and save them if `reporting` says so.

    Args:
        job: Id of the job.
        wish: Clips to render.
        reporting: Options of the report.
        accepted: Callback for the moment when the server has accepted the request.

    Raises:
        WorkFailed: if a clip failed, or the job has it no longer.
        WrongRequest: if the server refuses the request, or the folder cannot be written.
        ServerUnavailable: if the server cannot be reached.
    """
    async with Client(reporting.server) as client:
        answer = await client.more(job, wish)
        accepted()
        if not reporting.wait:
            _print_accepted(answer, reporting)
            return
        found, files = await _watched(client, answer, reporting)
    clips = found.clips
    if reporting.as_json:
        saved = UNSET if reporting.output is None else {url: str(path) for url, path in files.items()}
        _print_json(WantedReport(job_id=answer.job_id, numbers=answer.numbers, clips=clips, files=saved))
    else:
        print_explained(clips, sys.stdout)
    failed = [clip for clip in clips if clip.state == ClipState.FAILED]
    if failed:
        why = failed[0].error.sentence if failed[0].error else "The job failed before."
        raise WorkFailed(f"Clip {failed[0].number} failed. {printable(why)}")
    lost = sorted(set(answer.numbers).difference(clip.number for clip in clips))
    if lost and lost[0] in {clip.number for clip in found.reserve}:
        raise WorkFailed(f"Clip {lost[0]} is in the reserve again and is not rendered; ask for it again.")
    if lost:
        shown = command("clips", answer.job_id, reporting.server)
        raise WorkFailed(f"The job has no clip {lost[0]} any more; `{shown}` lists the clips that it has.")


async def _watched(
    client: Client, accepted: ClipsAccepted, reporting: ReportOptions
) -> tuple[ClipList, dict[str, Path]]:
    """Follow the accepted clips to their end, and save those that are ready if `reporting` names a folder.

    Returns:
        The accepted clips in the end, those among them that are in the reserve again, and the saved files by their
        clip's `url`.
    """

    def say(line: str) -> None:
        click.echo(printable(line), err=reporting.as_json)

    def saved(path: Path) -> None:
        say(f"Saved {path}")

    said: set[int] = set()
    found = ClipList(job_id=accepted.job_id, clips=())
    saver = None if reporting.output is None else ClipSaver(client, reporting.output, saved)
    following = follow_clips(client, accepted.job_id, accepted.numbers, notice=lambda line: click.echo(line, err=True))
    async with saver or nullcontext(), aclosing(following) as polls:
        say(f"Rendering of job {accepted.job_id}: {_listed(accepted)}.")
        async for found in polls:
            for clip in found.clips:
                if clip.state == ClipState.READY and clip.number not in said:
                    said.add(clip.number)
                    say(f"Clip {clip.number} ready: {clip.title}")
            if saver is not None:
                saver.save(clip.url for clip in found.clips if clip.url is not None)
    return found, {} if saver is None else saver.files


def _print_accepted(accepted: ClipsAccepted, reporting: ReportOptions) -> None:
    if reporting.as_json:
        _print_json(accepted)
        return
    job, server = accepted.job_id, reporting.server
    click.echo(
        f"Rendering of job {job}: {_listed(accepted)}. `{command('clips', job, server)}` shows the state; "
        f"`{command('status', job, server, '--output', 'DIR')}` saves what is ready."
    )


def _listed(accepted: ClipsAccepted) -> str:
    return ", ".join(map(str, accepted.numbers))


def command(name: str, job: str, server: str, *words: str) -> str:
    """Return the command `clipmill NAME JOB` for a server, with further words."""
    options = [] if server == DEFAULT_SERVER else ["--server", server]
    return shlex.join(["clipmill", name, job, *words, *options])


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
