"""The operator's commands: dead letters, and the projection of job documents."""

# ruff: noqa: PLC0415  # each command imports only what it needs

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import click
import msgspec
from clipmill.cli.outcomes import WrongRequest
from clipmill.contracts.identifiers import JobId

letter_argument = click.argument("letter", metavar="ID", type=click.IntRange(min=1))
chosen_argument = click.argument("letter", metavar="[ID]", required=False, type=click.IntRange(min=1))
only_job_option = click.option("--job", metavar="JOB", help="List only dead letters of this job.")
all_job_option = click.option("--job", metavar="JOB", help="Act on all dead letters of this job.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Data folder of a running `clipmill up`, if it is not the default folder.",
)


@click.group("dead-letters")
def dead_letters() -> None:
    """List, retry and drop tasks that were given up.

    A service gives up a task that can never work or that failed too often, and NATS keeps the task with the reason.
    These commands work on the NATS server of CLIPMILL_NATS_URL, or on the `clipmill up` of this machine.
    """


@dead_letters.command("list")
@only_job_option
@json_option
@data_option
def list_letters(job: str | None, data: Path | None, *, as_json: bool) -> None:
    """List the tasks that were given up, newest first."""
    from clipmill.cli.commands.dead_letters import print_letters, view
    from clipmill.cli.local.deployment import PATIENCE_SECONDS, connected
    from clipmill.messaging.dead_letters import DeadLetters

    async def work() -> None:
        async with connected(_environ(data)) as nc:
            letters = DeadLetters(nc.jetstream(), patience=PATIENCE_SECONDS)
            views = [view(kept) for kept in await letters.all(_job(job) if job else None)]
        if as_json:
            _print_json(views)
        else:
            print_letters(views, sys.stdout)

    _run(work)


@dead_letters.command("show")
@letter_argument
@json_option
@data_option
def show_letter(letter: int, data: Path | None, *, as_json: bool) -> None:
    """Show one dead letter with its whole task."""
    from clipmill.cli.commands.dead_letters import print_letter, view
    from clipmill.cli.local.deployment import PATIENCE_SECONDS, connected
    from clipmill.messaging.dead_letters import DeadLetters

    async def work() -> None:
        async with connected(_environ(data)) as nc:
            kept = await DeadLetters(nc.jetstream(), patience=PATIENCE_SECONDS).get(letter)
        if as_json:
            _print_json(view(kept))
        else:
            print_letter(view(kept), sys.stdout)

    _run(work)


@dead_letters.command("retry")
@chosen_argument
@all_job_option
@click.option(
    "--fresh",
    is_flag=True,
    help="First delete what the task's stage and the later stages made (for the rendering of one clip, only that "
    "clip's files), so that changed settings take effect.",
)
@json_option
@data_option
def retry_letter(letter: int | None, job: str | None, data: Path | None, *, fresh: bool, as_json: bool) -> None:
    """Retry the task of one dead letter, or of all dead letters of a job.

    Give an ID or --job, not both. If the task renders one clip, only that clip is rendered again. Otherwise the job
    continues after its finished stages.
    """
    from clipmill.cli.commands.dead_letters import describe_retry
    from clipmill.cli.local.deployment import PATIENCE_SECONDS, artifact_store, connected
    from clipmill.messaging.reopening import Reopening

    _one_of(letter, job)

    async def work() -> None:
        environ = _environ(data)
        store = artifact_store(environ) if fresh else None
        async with connected(environ) as nc:
            operator = Reopening(nc, store, patience=PATIENCE_SECONDS)
            if job is not None:
                retried = await operator.retry_job(_job(job), fresh=fresh)
            else:
                retried = await operator.retry(letter or 0, fresh=fresh)
        if as_json:
            _print_json(retried)
        else:
            click.echo(describe_retry(retried))

    _run(work)


@dead_letters.command("drop")
@chosen_argument
@all_job_option
@data_option
def drop_letter(letter: int | None, job: str | None, data: Path | None) -> None:
    """Remove one dead letter, or all dead letters of a job; the job itself does not change.

    Give an ID or --job, not both.
    """
    from clipmill.cli.local.deployment import PATIENCE_SECONDS, connected
    from clipmill.messaging.dead_letters import DeadLetters

    _one_of(letter, job)

    async def work() -> None:
        async with connected(_environ(data)) as nc:
            letters = DeadLetters(nc.jetstream(), patience=PATIENCE_SECONDS)
            if job is None:
                await letters.drop(letter or 0)
                dropped = 1
            else:
                found = await letters.all(_job(job))
                if not found:
                    raise WrongRequest(f"Job {job} has no dead letter; list all with `clipmill dead-letters list`.")
                for kept in found:
                    await letters.forget(kept.id)
                dropped = len(found)
        click.echo(f"{dropped} {'dead letter is' if dropped == 1 else 'dead letters are'} dropped.")

    _run(work)


@click.group()
def projection() -> None:
    """Check and repair the documents that job statuses are read from."""


@projection.command("rebuild")
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 if anything differs.")
@json_option
@data_option
def rebuild(data: Path | None, *, check: bool, as_json: bool) -> None:
    """Rebuild every job's document from the events, while everything runs.

    Only documents that differ or are missing are written. The command works on the NATS server of CLIPMILL_NATS_URL,
    or on the `clipmill up` of this machine.
    """
    from clipmill.cli.local import service_command

    words = ["rebuild", *(["--check"] if check else []), *(["--json"] if as_json else [])]
    service_command.run("gateway", *words, environ=_environ(data))


def _environ(data: Path | None) -> dict[str, str]:
    from clipmill.cli.local.deployment import installation

    return installation(data, os.environ)


def _run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run `work`, with warnings and errors of libraries on standard error."""
    from clipmill.operations import logs
    from clipmill.operations.settings import LogFormat, LogLevel

    logs.configure("cli", LogFormat.HUMAN, LogLevel.WARNING)
    asyncio.run(work())


def _job(text: str) -> JobId:
    from clipmill.contracts.failures import Permanent
    from clipmill.contracts.identifiers import parse_job_id

    try:
        return parse_job_id(text)
    except Permanent as failure:
        raise WrongRequest(failure.sentence) from failure


def _one_of(letter: int | None, job: str | None) -> None:
    if (letter is None) == (job is None):
        raise WrongRequest("The command needs either one dead letter or one job; give an ID or --job, not both.")


def _print_json(value: object) -> None:
    click.echo(msgspec.json.encode(value))
