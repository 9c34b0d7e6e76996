"""Following a job to its end, poll after poll."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from clipmill.cli.client.connection import Client, Interrupted
from clipmill.cli.outcomes import ServerUnavailable
from clipmill.contracts.api import JobView
from clipmill.contracts.status import PublicClip, PublicStatus
from msgspec import Struct

POLL_SECONDS = 0.5
"""Pause between two polls of a job: short enough for a moving bar, and only 0.1 % of what one gateway can serve."""

PATIENCE_SECONDS = 120.0
"""Time without an answer after which following gives up: long enough to restart or move a server."""

PAUSE_LIMIT_SECONDS = 5.0


class Snapshot(Struct, frozen=True, kw_only=True):
    """A job at one moment.

    Attributes:
        status: Public status.
        view: Rich view, None if the server has none.
    """

    status: PublicStatus
    view: JobView | None = None

    @property
    def clips(self) -> tuple[PublicClip, ...]:
        """Clips that are ready, in the order in which they were finished."""
        return () if self.status.result is None else self.status.result.clips


async def fetch_snapshot(client: Client, job: str) -> Snapshot:
    """Return the present snapshot of `job`.

    Raises:
        WrongRequest: if the server does not know the job.
        Interrupted: if another try may work.
    """
    # The view is read first, so it is never newer than the status.
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
    """Yield snapshots of `job` until it has ended; the last one shows its end.

    Args:
        client: Connection to the job's server.
        job: Id of the job.
        notice: Callback for a sentence that the status cannot be read, once for each outage.
        poll: Seconds between two polls.
        patience: Seconds without an answer after which following ends.

    Raises:
        WrongRequest: if the server does not know the job.
        ServerUnavailable: if the server gives no status for longer than `patience`.
    """
    pause, silent_since = poll, None
    while True:
        try:
            snapshot = await fetch_snapshot(client, job)
        except Interrupted as interruption:
            now = time.monotonic()
            if silent_since is None:
                silent_since = now
                notice(f"The job's status cannot be read now ({interruption}); trying again.")
            if now - silent_since > patience:
                raise ServerUnavailable(
                    f"The server at {client.shown} has given no status for {patience:.0f} s; the job may still run."
                    f" Follow the job with: clipmill status {job} --watch --server {client.shown}"
                ) from interruption
            pause = min(pause * 2, PAUSE_LIMIT_SECONDS)
        else:
            pause, silent_since = poll, None
            yield snapshot
            if snapshot.status.status.terminal:
                return
        await asyncio.sleep(pause)
