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
from clipmill.messaging.connection import OUTAGE, heed
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

log = structlog.stdlib.get_logger()


class Lease:
    """A key that one process holds at a time.

    Args:
        bucket: its entries expire `ttl` seconds after their last write.
        key: what is leased.
        holder: unique to this process.
        ttl: seconds; a holder that died is replaced within this time and a tenth.
    """

    def __init__(self, bucket: KeyValue, key: str, holder: str, ttl: float) -> None:
        self._bucket = bucket
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
            try:
                revision = await heed(self._bucket.create(self._key, self._holder))
            except (KeyWrongLastSequenceError, *OUTAGE):
                await asyncio.sleep(self._ttl / 10)
                continue
            log.info("lease_taken", lease=self._key)
            await self._hold(work, revision, asked + self._ttl)
            log.info("lease_lost", lease=self._key)

    async def _hold(self, work: Callable[[], Awaitable[None]], revision: int, until: float) -> None:
        working = asyncio.ensure_future(work())
        try:
            while True:
                await asyncio.wait({working}, timeout=self._ttl / 3)
                if working.done():
                    working.result()
                    return
                asked = time.monotonic()
                try:
                    revision = await heed(self._bucket.update(self._key, self._holder, last=revision))
                    until = asked + self._ttl
                except KeyWrongLastSequenceError:
                    ours = await self._ours()
                    if ours is None:
                        return
                    revision = ours
                except OUTAGE:
                    if time.monotonic() > until - self._ttl / 3:
                        return
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            with contextlib.suppress(nats.errors.Error):
                await self._bucket.delete(self._key, last=revision)

    async def _ours(self) -> int | None:
        """Return the key's revision if we hold it after all (a renewal whose answer was lost), else None."""
        try:
            entry = await heed(self._bucket.get(self._key))
        except (KeyNotFoundError, *OUTAGE):
            return None
        return entry.revision if entry.value == self._holder else None
