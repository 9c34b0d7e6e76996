"""Reading a bucket bit by bit: what was written since the last look, from the bucket's leader."""

import time
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import NamedTuple

from clipmill.messaging.connection import insist
from clipmill.messaging.topology import Bucket
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

OPERATION = "KV-Operation"
"""The header that only the marker of a deleted key has."""


class Written(NamedTuple):
    """The last that was written of a key.

    Attributes:
        key: the key.
        value: None where the key was deleted.
        at: when, Unix time in seconds by the server's clock.
    """

    key: str
    value: bytes | None
    at: float


class BucketReader:
    """Tells what is new in a bucket.

    The bucket keeps the last value of each key, so what was written since the last look is all there is to read: the
    first look costs a request for each key, later ones a request for each that changed.

    Args:
        js: for reading the bucket's stream from its leader.
        bucket: which.
        answer_seconds: how long NATS may take.
    """

    def __init__(self, js: JetStreamContext, bucket: Bucket, *, answer_seconds: float) -> None:
        self._js = js
        self._stream = f"KV_{bucket.name}"
        self._prefix = f"$KV.{bucket.name}."
        self._answer_seconds = answer_seconds
        self._created: datetime | None = None
        self._position = 0
        self._last = 0

    async def begin(self, deadline: float | None = None) -> bool:
        """Return whether all there is will be told: at the first look, and if the bucket was made anew or restored.

        Args:
            deadline: `time.monotonic()` until which NATS may answer, if it is not as long as usual.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time.
        """
        info = await insist(lambda: self._js.stream_info(self._stream), deadline=deadline or self._deadline())
        anew = info.created != self._created or info.state.last_seq < self._position
        if anew:
            self._created, self._position = info.created, 0
        self._last = info.state.last_seq
        return anew

    async def news(self) -> AsyncGenerator[Written, None]:
        """Yield what was written since the last look and before `begin`.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time; what was yielded is not told again.
        """
        while self._position < self._last:
            try:
                message = await insist(self._next, deadline=self._deadline())
            except NotFoundError:
                self._position = self._last  # what was there has been written again or removed
                return
            self._position = message.seq or 0
            deleted = OPERATION in (message.headers or {})
            yield Written(
                (message.subject or "").removeprefix(self._prefix),
                None if deleted else message.data or b"",
                message.time.timestamp() if message.time else 0.0,
            )

    async def _next(self) -> RawStreamMsg:
        return await self._js.get_msg(self._stream, seq=self._position + 1, subject=f"{self._prefix}>", next=True)

    def _deadline(self) -> float:
        return time.monotonic() + self._answer_seconds
