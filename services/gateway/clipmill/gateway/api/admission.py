"""Whether another job is taken in: only while there is room for what has been taken in already."""

from collections.abc import AsyncIterator

from clipmill.artifacts.store import DiskSpace, Store
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.publisher import busy

GIBIBYTE = 1024**3

RESERVE_BYTES = GIBIBYTE
RESERVE_SHARE = 0.05
"""What of a disk is kept for jobs that are under way, whichever is less: a share of it, or so many bytes."""

CHECK_BYTES = 16 * 1024**2
"""How often the disk is looked at while an upload comes in: several may come at once."""


class Admission:
    """Refuses before anything is stored or said, so that nothing has to be taken back.

    Args:
        store: where uploads and all that is made of them go.
        streams: where first tasks wait.
        reserve_bytes: of the store's disk that are kept free, None for `RESERVE_SHARE` up to `RESERVE_BYTES`.
    """

    def __init__(self, store: Store, streams: JobStreams, reserve_bytes: int | None) -> None:
        self._store = store
        self._streams = streams
        self._reserve_bytes = reserve_bytes

    async def check(self, *, deadline: float, upload_bytes: int = 0) -> None:
        """Return if a job may be taken in now.

        Args:
            deadline: `time.monotonic()` until which NATS may answer.
            upload_bytes: that are going to be stored, as far as is known.

        Raises:
            Transient: `out_of_space`, `busy`, or `unavailable` after the deadline.
        """
        await self._check_space(upload_bytes)
        if await self._streams.intake_full(deadline=deadline):
            raise busy()

    async def watched(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass an upload's chunks on while there is room for more.

        Raises:
            Transient: `out_of_space`.
        """
        unseen = 0
        async for chunk in chunks:
            unseen += len(chunk)
            if unseen >= CHECK_BYTES:
                await self._check_space(0)
                unseen = 0
            yield chunk

    async def _check_space(self, upload_bytes: int) -> None:
        space = await self._store.free()
        if space is not None and space.free_bytes - upload_bytes < self._reserve(space):
            raise Transient(ErrorCode.OUT_OF_SPACE, "The server has no room for another video; try again later.")

    def _reserve(self, space: DiskSpace) -> float:
        if self._reserve_bytes is not None:
            return self._reserve_bytes
        return min(RESERVE_BYTES, RESERVE_SHARE * space.total_bytes)
