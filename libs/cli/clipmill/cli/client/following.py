"""Following a job, or clips of its reserve, to the end, poll after poll."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import TypeVar

from clipmill.cli.client.connection import Client, Interrupted
from clipmill.cli.outcomes import ServerUnavailable
from clipmill.contracts.api import ClipList, ClipState, JobView
from clipmill.contracts.status import JobState, PublicClip, PublicStatus
from msgspec import Struct
from msgspec.structs import replace

T = TypeVar("T")

POLL_SECONDS = 0.5
"""Pause between two polls of a job: short enough for a moving bar, and only 0.1 % of what one gateway can serve."""

PATIENCE_SECONDS = 120.0
"""Time without an answer after which following gives up: long enough to restart or move a server."""

PAUSE_LIMIT_SECONDS = 5.0

LISTING_SECONDS = 5.0
"""Time after which a wanted clip that an ended job does not list counts as lost. A gateway other than the one that
accepted the clip may list it a moment later."""

AT_WORK = (JobState.QUEUED, JobState.PROCESSING)


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
) -> AsyncGenerator[ClipList, None]:
    """Yield the clips of `job` that have one of `numbers`, until each is ready, has failed or is lost.

    A clip is lost if the job has ended and does not list it among its clips for `LISTING_SECONDS`: an operator had the
    moments chosen again, so it is back in the reserve, or no moment has its number any more.

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
    absent: dict[int, float] = {}

    async def fetch() -> ClipList:
        found = await client.clips(job)
        clips, reserve = (
            tuple(clip for clip in some if clip.number in numbers) for some in (found.clips, found.reserve)
        )
        return replace(found, clips=clips, reserve=reserve)

    def ended(found: ClipList) -> bool:
        now, listed = time.monotonic(), {clip.number for clip in found.clips}
        for number in numbers:
            if number in listed or found.status in AT_WORK:
                absent.pop(number, None)
            else:
                absent.setdefault(number, now)
        lost = {number for number, since in absent.items() if now - since >= LISTING_SECONDS}
        done = {clip.number for clip in found.clips if clip.state != ClipState.RENDERING}
        return done.union(lost).issuperset(numbers)

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
