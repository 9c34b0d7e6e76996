"""One active process among several: the one that holds the key of a bucket whose entries expire.

Two holders at once do no harm, because the work under a lease is compare-and-set. The lease only avoids double work.
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
        bucket: Bucket whose entries expire `ttl` seconds after their last write.
        key: Key that is leased.
        holder: Name that is unique to this process.
        ttl: Time to live of an entry, in seconds; a dead holder is replaced within 1.1 times this time.
    """

    def __init__(self, bucket: Bucket[bytes], key: str, holder: str, ttl: float) -> None:
        self._bucket = bucket.within(REQUEST_SECONDS)
        self._key = key
        self._holder = holder.encode()
        self._ttl = ttl

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work()` whenever this process holds the lease, until cancelled; cancel it when the lease is lost.

        Raises:
            Exception: any error of `work`.
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
        """Return the revision of the key if this process holds it now, None if another does or nobody answers."""
        try:
            held = await self._bucket.get(self._key)
            if held.value is not None and held.value != self._holder:
                return None
            # The key may be ours already: the answer to an earlier write may be lost.
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
        """Return the key's new revision, the old one if nobody answers, None if another process holds the key."""
        try:
            try:
                return (await self._bucket.update(self._key, self._holder, revision)).revision
            except Conflict:
                held = await self._bucket.get(self._key)
                return held.revision if held.value == self._holder else None
        except Transient:
            return revision
