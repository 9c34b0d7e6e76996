"""Following a job, or clips of its reserve, to the end, poll after poll."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import TypeVar

from clipmill.cli.client.connection import Client, Interrupted
from clipmill.cli.outcomes import ServerUnavailable
from clipmill.contracts.api import ClipState, ClipView, JobView
from clipmill.contracts.status import PublicClip, PublicStatus
from msgspec import Struct

T = TypeVar("T")

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


def follow(
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
    command = f"clipmill status {job} --watch --server {client.shown}"
    polling = Polling(notice=notice, command=command, server=client.shown, poll=poll, patience=patience)
    return polling.until(lambda: fetch_snapshot(client, job), lambda snapshot: snapshot.status.status.terminal)


def follow_clips(
    client: Client, job: str, numbers: Collection[int], *, notice: Callable[[str], None], poll: float = POLL_SECONDS
) -> AsyncGenerator[tuple[ClipView, ...], None]:
    """Yield the clips of `job` that have one of `numbers`, until each is ready or has failed.

    Args:
        client: Connection to the job's server.
        job: Id of the job.
        numbers: Numbers of clips that are rendered or will be.
        notice: Callback for a sentence that the clips cannot be listed, once for each outage.
        poll: Seconds between two polls.

    Raises:
        WrongRequest: if the server does not know the job.
        ServerUnavailable: if the server lists no clips for longer than `PATIENCE_SECONDS`.
    """

    async def fetch() -> tuple[ClipView, ...]:
        return tuple(clip for clip in (await client.clips(job)).clips if clip.number in numbers)

    def ended(clips: tuple[ClipView, ...]) -> bool:
        done = {clip.number for clip in clips if clip.state != ClipState.RENDERING}
        return done.issuperset(numbers)

    command = f"clipmill clips {job} --server {client.shown}"
    polling = Polling(notice=notice, command=command, server=client.shown, poll=poll)
    return polling.until(fetch, ended)


class Polling(Struct, frozen=True, kw_only=True):
    """The rules by which something on a server is read again and again.

    Attributes:
        notice: Callback for a sentence that nothing can be read now, once for each outage.
        command: Command that shows the same later.
        server: Address of the server, for people.
        poll: Seconds between two polls.
        patience: Seconds without an answer after which polling ends.
    """

    notice: Callable[[str], None]
    command: str
    server: str
    poll: float = POLL_SECONDS
    patience: float = PATIENCE_SECONDS

    async def until(self, fetch: Callable[[], Awaitable[T]], ended: Callable[[T], bool]) -> AsyncGenerator[T, None]:
        """Yield what `fetch` returns, up to the first result of which `ended` is true.

        Raises:
            ServerUnavailable: if there is no answer for longer than `patience`.
        """
        pause, silent_since = self.poll, None
        while True:
            try:
                found = await fetch()
            except Interrupted as interruption:
                now = time.monotonic()
                if silent_since is None:
                    silent_since = now
                    self.notice(f"The job's status cannot be read now ({interruption}); trying again.")
                if now - silent_since > self.patience:
                    raise ServerUnavailable(
                        f"The server at {self.server} has given no status for {self.patience:.0f} s; the job may still"
                        f" run. Follow the job with: {self.command}"
                    ) from interruption
                pause = min(pause * 2, PAUSE_LIMIT_SECONDS)
            else:
                pause, silent_since = self.poll, None
                yield found
                if ended(found):
                    return
            await asyncio.sleep(pause)
