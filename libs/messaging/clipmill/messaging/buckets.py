"""Typed access to the key-value buckets: every value is read, written and deleted with the revision that it had.

Requests go to the bucket's leader and are repeated through outages. Callers see no error of NATS: they see `Conflict`,
`InvalidKey`, `TooLarge` and, after their deadline, a `Transient` failure.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, Self, TypeVar, cast

import msgspec
from clipmill.messaging.bulk_reading import read_in_bulk
from clipmill.messaging.connection import REQUEST_SECONDS, retry_until
from clipmill.messaging.topology import BucketConfig
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import RawStreamMsg
from nats.js.errors import BadRequestError, InvalidKeyError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

T = TypeVar("T")
R = TypeVar("R")

OPERATION = "KV-Operation"
"""Header that only the marker of a deleted key has."""

EXPECTED = "Nats-Expected-Last-Subject-Sequence"
"""Header of a write that names the revision which it replaces."""

HEADER_BYTES = 1024
"""Part of a message's size that is left to its headers, which the client does not count; the server ends the connection
of a client whose message is too large."""

WRONG_LAST_SEQUENCE = (10071, 10164)
"""Error codes with which the server refuses a deletion of a revision that is not the last."""


BULK_FLOOR = 200
"""Positions between a reader and the end of its bucket above which it reads in bulk. Making a consumer and removing it
takes as long as some twenty requests to the leader, and half of the positions may have been written over."""


class Conflict(Exception):
    """Another write came first: somebody else's, or an earlier one of ours whose answer was lost."""


class TooLarge(Exception):
    """A value is larger than a message of the server may be."""


class InvalidKey(ValueError):
    """No bucket can have such a key."""


@dataclass(frozen=True)
class Entry(Generic[T]):
    """State of one key in a bucket.

    Attributes:
        revision: Revision that the next write must name, 0 if there is no trace of the key.
        data: Encoded value, None if there is none.
        decode: Decoder of the bucket's values.
    """

    revision: int
    data: bytes | None
    decode: Callable[[bytes], T] = field(repr=False, compare=False)

    @property
    def value(self) -> T | None:
        """A newly decoded value, None if there is none.

        Raises:
            msgspec.DecodeError: if this version cannot decode it.
        """
        return None if self.data is None else self.decode(self.data)

    @property
    def deleted(self) -> bool:
        """True if the key had a value that was deleted; a deletion leaves a marker."""
        return self.data is None and self.revision > 0


@dataclass(frozen=True)
class Change(Generic[T]):
    """The last write of one key.

    Attributes:
        key: Name of the entry.
        entry: Entry that was written; it has no value if the key was deleted.
    """

    key: str
    entry: Entry[T]


class Bucket(Generic[T]):
    """A bucket whose values are of one type: JSON, or bytes as they are where the type is `bytes`.

    Every request takes a `deadline` (`time.monotonic()`), after which it raises `Transient`, `unavailable`. Without a
    deadline, it takes at most the seconds given to `within`, or waits forever if `within` was not called.

    Args:
        nc: Open connection.
        keys: Bucket as NATS's client opened it.
        config: Name of the bucket.
        kind: Type of the values.

    Attributes:
        decode: Decoder of a value as the bucket keeps it.
    """

    def __init__(self, nc: Client, keys: KeyValue, config: BucketConfig, kind: type[T]) -> None:
        self._nc = nc
        self._keys = keys
        self._config = config
        self._kind = kind
        self.decode: Callable[[bytes], T] = cast("Any", bytes) if kind is bytes else msgspec.json.Decoder(kind).decode
        self._patience: float | None = None

    @classmethod
    async def open(cls, nc: Client, config: BucketConfig, kind: type[T], *, deadline: float | None = None) -> Self:
        """Return one of the topology's buckets.

        Raises:
            Transient: `unavailable`, after the deadline.
            nats.errors.Error: if there is no such bucket.
        """
        js = nc.jetstream(timeout=REQUEST_SECONDS)
        return cls(nc, await retry_until(partial(js.key_value, config.name), deadline=deadline), config, kind)

    def within(self, seconds: float) -> "Bucket[T]":
        """Return the bucket with `seconds` for each request, which is repeated through outages until then."""
        bucket = Bucket(self._nc, self._keys, self._config, self._kind)
        bucket._patience = seconds
        return bucket

    def read_as(self, kind: type[R]) -> "Bucket[R]":
        """Return the bucket for reading only, with values that may have fewer fields and are quicker to decode."""
        bucket = Bucket(self._nc, self._keys, self._config, kind)
        bucket._patience = self._patience
        return bucket

    def encode(self, value: T) -> bytes:
        """Return `value` as the bucket keeps it."""
        return value if isinstance(value, bytes) else msgspec.json.encode(value)

    def fits(self, value: T) -> bool:
        """Return whether the server takes a value of this size."""
        return len(self.encode(value)) <= self._largest

    async def get(self, key: str, *, deadline: float | None = None) -> Entry[T]:
        """Return the entry that the bucket's leader has for `key`.

        Raises:
            InvalidKey: if the bucket cannot have that key.
        """
        try:
            found = await self._ask(lambda: self._keys.get(key), deadline)
        except KeyNotFoundError as missing:
            return Entry((missing.entry.revision or 0) if missing.entry else 0, None, self.decode)
        except InvalidKeyError as reason:
            raise InvalidKey(key) from reason
        return Entry(found.revision or 0, found.value or b"", self.decode)

    async def update(self, key: str, value: T, revision: int, *, deadline: float | None = None) -> Entry[T]:
        """Write `value` over `revision` of `key`, which is 0 for a new key, and return the new entry.

        Raises:
            Conflict: if the key has another revision.
            TooLarge: if the server takes no value of this size.
        """
        data = self.encode(value)
        if len(data) > self._largest:
            raise TooLarge(f"{key}: {len(data)} bytes")
        try:
            written = await self._ask(lambda: self._keys.update(key, data, last=revision), deadline)
        except KeyWrongLastSequenceError as reason:
            raise Conflict(key) from reason
        return Entry(written, data, self.decode)

    async def put(self, key: str, value: T, *, deadline: float | None = None) -> None:
        """Write `value` over whatever `key` has."""
        await self._ask(lambda: self._keys.put(key, self.encode(value)), deadline)

    async def delete(self, key: str, revision: int | None = None, *, deadline: float | None = None) -> None:
        """Delete the value of `key`; if `revision` is given, only if the key has this revision. A marker stays.

        Raises:
            Conflict: if the key has another revision.
        """
        try:
            await self._ask(lambda: self._keys.delete(key, last=revision), deadline)
        except BadRequestError as reason:
            if reason.err_code in WRONG_LAST_SEQUENCE:
                raise Conflict(key) from reason
            raise

    async def purge(self, key: str, *, deadline: float | None = None) -> None:
        """Delete the value of `key` and every older one; a marker stays."""
        await self._ask(lambda: self._keys.purge(key), deadline)

    async def listen(self, heard: Callable[[str, T], None]) -> Subscription:
        """Call `heard` with the key and value of each write from now on, until the subscription ends.

        A core NATS subscription receives each write at once, but misses those of an outage.
        """

        async def callback(message: Msg) -> None:
            if message.data:  # a deletion has none
                heard(message.subject.removeprefix(self._config.subject("")), self.decode(message.data))

        return await self._nc.subscribe(self._config.subject(">"), cb=callback)

    async def doorbell(self, rang: Callable[[str, int], None]) -> Subscription:
        """Call `rang` for each write and deletion from now on, until the subscription ends.

        `rang` gets the key and the revision that is written over; a write that names none has -1. The bell rings before
        the write is stored, and for a write that is then refused. Like `listen`, it misses the writes of an outage.
        """

        async def callback(message: Msg) -> None:
            over = (message.headers or {}).get(EXPECTED, "")
            revision = int(over) if over.isascii() and over.isdigit() else -1
            rang(message.subject.removeprefix(self._config.subject("")), revision)

        return await self._nc.subscribe(self._config.subject(">"), cb=callback)

    def reader(self) -> "BucketReader[T]":
        """Return a reader of changes, which begins with every entry."""
        return BucketReader(self._nc, self._config, self.decode, self._deadline)

    @property
    def _largest(self) -> int:
        return self._nc.max_payload - HEADER_BYTES

    async def _ask(self, call: Callable[[], Awaitable[R]], deadline: float | None) -> R:
        return await retry_until(call, deadline=self._deadline() if deadline is None else deadline)

    def _deadline(self) -> float | None:
        return None if self._patience is None else time.monotonic() + self._patience


class BucketReader(Generic[T]):
    """Reads the entries of a bucket that changed since the last reading.

    The bucket keeps the last value of each key. Where few keys can have changed, each that did costs a request to the
    leader. More than `BULK_FLOOR` are read in bulk, and then the rest from the leader.
    """

    def __init__(
        self,
        nc: Client,
        config: BucketConfig,
        decode: Callable[[bytes], T],
        deadline: Callable[[], float | None],
    ) -> None:
        self._nc = nc
        self._js = nc.jetstream(timeout=REQUEST_SECONDS)
        self._config = config
        self._decode = decode
        self._deadline = deadline
        self._created: datetime | None = None
        self._position = 0
        self._last = 0

    async def refresh(self, *, deadline: float | None = None) -> bool:
        """Return whether `changes` will yield every entry: at the first reading, and if the bucket was re-created.

        Raises:
            Transient: `unavailable`, if NATS does not answer in time.
        """
        until = self._deadline() if deadline is None else deadline
        info = await retry_until(lambda: self._js.stream_info(self._config.stream), deadline=until)
        remade = info.created != self._created or info.state.last_seq < self._position
        if remade:
            self._created, self._position = info.created, 0
        self._last = info.state.last_seq
        return remade

    async def changes(self) -> AsyncGenerator[Change[T], None]:
        """Yield the changes since the last reading, up to the last call of `refresh`.

        Raises:
            Transient: `unavailable`, if NATS does not answer in time; the next call goes on after the last change.
        """
        if self._last - self._position > BULK_FLOOR:
            async with contextlib.aclosing(self._in_bulk()) as changes:
                async for change in changes:
                    yield change
        while self._position < self._last:
            try:
                message = await retry_until(self._next, deadline=self._deadline())
            except NotFoundError:
                self._position = self._last  # the rest was overwritten or removed
                return
            yield self._change(message.seq or 0, message.subject or "", message.headers, message.data or b"")

    async def _in_bulk(self) -> AsyncGenerator[Change[T], None]:
        async with contextlib.aclosing(read_in_bulk(self._nc, self._config.stream, self._position)) as batches:
            async for batch in batches:
                for sequence, message in batch:
                    yield self._change(sequence, message.subject, message.headers, message.data)
                    if sequence >= self._last:
                        return

    def _change(self, sequence: int, subject: str, headers: Mapping[str, str] | None, data: bytes) -> Change[T]:
        self._position = sequence
        value = None if headers and OPERATION in headers else data
        return Change(subject.removeprefix(self._config.subject("")), Entry(sequence, value, self._decode))

    async def _next(self) -> RawStreamMsg:
        subject = self._config.subject(">")
        return await self._js.get_msg(self._config.stream, seq=self._position + 1, subject=subject, next=True)
