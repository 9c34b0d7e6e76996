"""`clipmill clips` and `clipmill more`: explain the clips of a job, and have more of its reserve rendered."""

# ruff: noqa: PLC0415  # each command imports only what it needs

import asyncio
import sys
import threading
from pathlib import Path

import click
from clipmill.cli.flags import json_option, output_option, server_option
from clipmill.cli.outcomes import ExitStatus, WrongRequest


@click.command()
@click.argument("job")
@json_option
@server_option
def clips(job: str, server: str, *, as_json: bool) -> None:
    """Show a job's clips and its reserve, each with its score and the reason for the choice.

    The output is a table on a terminal, and a block of lines for each clip anywhere else.
    """
    from clipmill.cli.commands.wanted_clips import list_clips

    asyncio.run(list_clips(job, server, as_json=as_json))


@click.command()
@click.argument("job")
@click.argument("count", metavar="[N]", required=False, type=click.IntRange(min=1))
@click.option("--number", "numbers", type=int, multiple=True, help="Number of a clip of the reserve; may be repeated.")
@click.option("--wait", is_flag=True, help="Wait until the clips are rendered.")
@json_option
@output_option
@server_option
def more(
    *,
    job: str,
    count: int | None,
    numbers: tuple[int, ...],
    server: str,
    output: Path | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Render N more clips of a completed job, the best of its reserve, or the clips with these numbers."""
    from clipmill.cli.commands.jobs import ReportOptions
    from clipmill.cli.commands.wanted_clips import command, want
    from clipmill.contracts.api import MoreClips

    if (count is None) == (not numbers):
        raise WrongRequest("Give either the number of clips or --number; `clipmill clips` lists the reserve.")
    wish = MoreClips(more=count) if count is not None else MoreClips(numbers=numbers)
    reporting = ReportOptions(server=server, wait=wait or output is not None, as_json=as_json, output=output)
    accepted = threading.Event()
    try:
        asyncio.run(want(job, wish, reporting, accepted=accepted.set))
    except KeyboardInterrupt:
        shown = command("clips", job, server)
        if accepted.is_set():
            sentence = f"The server goes on with the clips of job {job} that it accepted; `{shown}` shows their state."
        else:
            sentence = f"Interrupted before the server answered; `{shown}` shows whether it renders the clips."
        click.echo(sentence, err=True)
        sys.exit(ExitStatus.INTERRUPTED)
