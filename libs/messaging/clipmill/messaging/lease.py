"""One active process among several: whoever holds the key of a bucket whose entries expire.

Two holders at once must be harmless (the work under a lease is compare-and-set); the lease only saves the effort of
doing it twice.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import nats.errors
import structlog
from clipmill.contracts.failures import Transient
from clipmill.messaging.buckets import Bucket, Conflict
from clipmill.messaging.connection import REQUEST_SECONDS

log = structlog.stdlib.get_logger()


class Lease:
    """A key that one process holds at a time.

    Args:
        bucket: its entries expire `ttl` seconds after their last write.
        key: what is leased.
        holder: unique to this process.
        ttl: seconds; a holder that died is replaced within this time and a tenth.
    """

    def __init__(self, bucket: Bucket[bytes], key: str, holder: str, ttl: float) -> None:
        self._bucket = bucket.within(REQUEST_SECONDS)
        self._key = key
        self._holder = holder.encode()
        self._ttl = ttl

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work()` whenever the lease is ours, until cancelled; it is cancelled when the lease is lost.

        Raises:
            Exception: whatever `work` raises.
        """
        while True:
            asked = time.monotonic()
            revision = await self._take()
            if revision is None:
                await asyncio.sleep(self._ttl / 10)
                continue
            log.info("lease_taken", lease=self._key)
            await self._hold(work, revision, asked + self._ttl)
            log.info("lease_lost", lease=self._key)

    async def _take(self) -> int | None:
        """Return the revision of the key if it is ours now, None if another holds it or nobody answers."""
        try:
            held = await self._bucket.get(self._key)
            if held.value is not None and held.value != self._holder:
                return None
            # Ours already if the answer to an earlier write was lost.
            return (await self._bucket.update(self._key, self._holder, held.revision)).revision
        except (Conflict, Transient):
            return None

    async def _hold(self, work: Callable[[], Awaitable[None]], revision: int, until: float) -> None:
        working = asyncio.ensure_future(work())
        try:
            while True:
                await asyncio.wait({working}, timeout=self._ttl / 3)
                if working.done():
                    working.result()
                    return
                asked = time.monotonic()
                renewed = await self._renew(revision)
                if renewed is None:
                    return
                if renewed != revision:
                    revision, until = renewed, asked + self._ttl
                elif time.monotonic() > until - self._ttl / 3:
                    return
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            with contextlib.suppress(Conflict, Transient, nats.errors.Error):
                await self._bucket.delete(self._key, revision)

    async def _renew(self, revision: int) -> int | None:
        """Return the key's revision after one more write, the same one if nobody answers, None if it is not ours."""
        try:
            try:
                return (await self._bucket.update(self._key, self._holder, revision)).revision
            except Conflict:
                held = await self._bucket.get(self._key)
                return held.revision if held.value == self._holder else None
        except Transient:
            return revision
