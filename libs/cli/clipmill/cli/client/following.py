"""Following a job to its end: what the server says of it, poll after poll."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from clipmill.cli.client.connection import Client, Interrupted
from clipmill.cli.outcomes import ServerUnavailable
from clipmill.contracts.api import JobView
from clipmill.contracts.status import PublicClip, PublicStatus
from msgspec import Struct

POLL_SECONDS = 0.5
"""Between two looks at a job: often enough for a bar that moves, and 0.1 % of what one gateway answers."""

PATIENCE_SECONDS = 120.0
"""How long a server may be silent before following gives up: enough for it to be restarted or moved."""

PAUSE_LIMIT_SECONDS = 5.0


class Snapshot(Struct, frozen=True, kw_only=True):
    """A job at one moment.

    Attributes:
        status: the public status.
        view: the rich view, None where the server gives none.
    """

    status: PublicStatus
    view: JobView | None = None

    @property
    def clips(self) -> tuple[PublicClip, ...]:
        """The clips that can be watched, in the order in which they were finished."""
        return () if self.status.result is None else self.status.result.clips


async def fetch_snapshot(client: Client, job: str) -> Snapshot:
    """Return how `job` stands now.

    Raises:
        WrongRequest: if the server does not know the job.
        Interrupted: if another try may work.
    """
    # The view first: a job that its status calls finished then never shows a view that is newer.
    view = await client.view(job)
    return Snapshot(status=await client.status(job), view=view)


async def follow(
    client: Client,
    job: str,
    *,
    notice: Callable[[str], None],
    poll: float = POLL_SECONDS,
    patience: float = PATIENCE_SECONDS,
) -> AsyncGenerator[Snapshot, None]:
    """Yield `job` again and again until it has ended; the last snapshot is its end.

    Args:
        client: the server that has the job.
        job: its id.
        notice: told, once an outage, that the server does not answer.
        poll: seconds between two looks.
        patience: seconds without an answer after which following ends.

    Raises:
        WrongRequest: if the server does not know the job.
        ServerUnavailable: if it has been silent for longer than `patience`.
    """
    pause, silent_since = poll, None
    while True:
        try:
            snapshot = await fetch_snapshot(client, job)
        except Interrupted as interruption:
            now = time.monotonic()
            if silent_since is None:
                silent_since = now
                notice(f"The server does not answer ({interruption}); trying again.")
            if now - silent_since > patience:
                raise ServerUnavailable(
                    f"The server at {client.server} has not answered for {patience:.0f} s. The job may go on; follow it"
                    f" with: clipmill status {job} --watch --server {client.server}"
                ) from interruption
            pause = min(pause * 2, PAUSE_LIMIT_SECONDS)
        else:
            pause, silent_since = poll, None
            yield snapshot
            if snapshot.status.status.terminal:
                return
        await asyncio.sleep(pause)
