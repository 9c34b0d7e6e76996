"""Admission: another job is accepted only while the jobs accepted before it have enough disk space."""

from collections.abc import AsyncIterator

from clipmill.artifacts.store import DiskSpace, Store
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.publisher import busy

GIBIBYTE = 1024**3

RESERVE_BYTES = GIBIBYTE
RESERVE_SHARE = 0.05
"""The part of the disk that is kept free for running jobs: a share of it or a number of bytes, whichever is less."""

CHECK_BYTES = 16 * 1024**2
"""Number of uploaded bytes between two checks of the disk, because several uploads may fill it at the same time."""


class Admission:
    """Refuses jobs before anything of them is stored or published.

    Args:
        store: Store of the uploads and of everything that is made from them.
        streams: Streams in which first tasks wait.
        reserve_bytes: Disk space that is kept free, in bytes; None for `RESERVE_SHARE` of the disk, at most
            `RESERVE_BYTES`.
    """

    def __init__(self, store: Store, streams: JobStreams, reserve_bytes: int | None) -> None:
        self._store = store
        self._streams = streams
        self._reserve_bytes = reserve_bytes

    async def check(self, *, deadline: float, upload_bytes: int = 0) -> None:
        """Check that a job may be accepted now.

        Args:
            deadline: Value of `time.monotonic()` until which NATS may answer.
            upload_bytes: Size of the upload as far as it is known, in bytes.

        Raises:
            Transient: `out_of_space`, `busy`, or `unavailable` after the deadline.
        """
        await self.check_space(upload_bytes=upload_bytes)
        if await self._streams.intake_full(deadline=deadline):
            raise busy()

    async def watched(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks of an upload while there is space for more.

        Raises:
            Transient: `out_of_space`.
        """
        unseen = 0
        async for chunk in chunks:
            unseen += len(chunk)
            if unseen >= CHECK_BYTES:
                await self.check_space()
                unseen = 0
            yield chunk

    async def check_space(self, wanted: str = "another video", *, upload_bytes: int = 0) -> None:
        """Check that the disk has room for more work.

        Args:
            wanted: Name of the work in the sentence of the refusal.
            upload_bytes: Size of the upload as far as it is known, in bytes.

        Raises:
            Transient: `out_of_space`.
        """
        space = await self._store.free()
        if space is not None and space.free_bytes - upload_bytes < self._reserve(space):
            raise Transient(ErrorCode.OUT_OF_SPACE, f"The server has no room for {wanted}; try again later.")

    def _reserve(self, space: DiskSpace) -> float:
        if self._reserve_bytes is not None:
            return self._reserve_bytes
        return min(RESERVE_BYTES, RESERVE_SHARE * space.total_bytes)
