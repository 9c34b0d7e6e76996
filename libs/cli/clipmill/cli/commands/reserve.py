"""`clipmill clips` and `clipmill more`: explain the clips of a job, and have more of its reserve rendered."""

# ruff: noqa: PLC0415  # each command imports only what it needs

import asyncio
import sys

import click
from clipmill.cli.flags import json_option, server_option
from clipmill.cli.outcomes import WrongRequest


@click.command()
@click.argument("job")
@json_option
@server_option
def clips(job: str, server: str, *, as_json: bool) -> None:
    """Show a job's clips and its reserve, each with its score and the reason for the choice."""
    import msgspec
    from clipmill.cli.client.connection import Client
    from clipmill.cli.screen.clip_table import print_explained

    async def work() -> None:
        async with Client(server) as client:
            found = await client.clips(job)
        if as_json:
            sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        else:
            print_explained((*found.clips, *found.reserve), sys.stdout)

    asyncio.run(work())


@click.command()
@click.argument("job")
@click.argument("count", metavar="[N]", required=False, type=click.IntRange(min=1))
@click.option("--number", "numbers", type=int, multiple=True, help="Number of a clip of the reserve; may be repeated.")
@json_option
@server_option
def more(job: str, count: int | None, numbers: tuple[int, ...], server: str, *, as_json: bool) -> None:
    """Render N more clips of a completed job, the best of its reserve, or the clips with these numbers."""
    import msgspec
    from clipmill.cli.client.connection import Client
    from clipmill.contracts.api import MoreClips

    if (count is None) == (not numbers):
        raise WrongRequest("Give either the number of clips or --number; `clipmill clips` lists the reserve.")
    wish = MoreClips(more=count) if count is not None else MoreClips(numbers=numbers)

    async def work() -> None:
        async with Client(server) as client:
            accepted = await client.more(job, wish)
        listed = ", ".join(map(str, accepted.numbers))
        sentence = f"Rendering of job {accepted.job_id}: {listed}. `clipmill clips {accepted.job_id}` shows the state."
        sys.stdout.write((msgspec.json.encode(accepted).decode() if as_json else sentence) + "\n")

    asyncio.run(work())
