"""The artifact store: whole files under keys, on a local disk, in S3 or in memory."""

import asyncio
import io
import logging
import mmap
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

import obstore
from clipmill.artifacts import prefixes
from clipmill.artifacts.media import RangeReader
from clipmill.artifacts.prefixes import JobPrefix
from clipmill.artifacts.s3 import MAX_SINGLE_PUT_BYTES, patient, s3_store
from clipmill.artifacts.store_failures import AlreadyThereError, MissingArtifact, MissingBucket, translated
from clipmill.artifacts.stored import StoredFacts, facts_of
from clipmill.contracts.failures import ErrorCode, Failure, Transient
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

__all__ = ["DiskSpace", "LocalFiles", "MissingArtifact", "Store", "open_store"]

PART_BYTES = 8 * 1024 * 1024
"""The size of one part of a multipart upload; S3 accepts 10,000 parts, which are 80 GB."""

PARTS_AT_ONCE = 4
"""Parts that are sent at a time; they take at most 32 MiB of memory."""

CHUNK_BYTES = 1024 * 1024
"""The size of the chunks that `stream` yields."""

READY_SECONDS = 5.0
"""The longest wait of a readiness check for the store."""

_PROBE = "ready"
"""The key that a readiness check asks for; there need not be an artifact."""

_ALL = "the jobs"
"""The name that a failed listing gives instead of a key."""

_log = logging.getLogger(__name__)


class DiskSpace(NamedTuple):
    """The space on the disk of a store.

    Attributes:
        free_bytes: Space that this process may still use, in bytes.
        total_bytes: Size of the disk, in bytes.
    """

    free_bytes: int
    total_bytes: int


class Store:
    """Artifacts under keys. Every artifact is whole: a writer that dies stores nothing.

    Args:
        objects: Object store that holds the artifacts.
        place: Name of the store for the log, without secrets.
    """

    def __init__(self, objects: ObjectStore, place: str) -> None:
        self._objects = objects
        self.place = place

    async def put_file(self, key: str, path: Path, *, create: bool = False) -> bool:
        """Store the file at `path` without holding it in memory.

        Args:
            key: Key of the artifact.
            path: Path of the file.
            create: True to store only if there is nothing under the key. Beyond `MAX_SINGLE_PUT_BYTES`, the check and
                the upload are two steps, and another writer may store in between.

        Returns:
            True if the file was stored; False only if `create` is set and there was an artifact already.

        Raises:
            Transient: `out_of_space` or `unavailable`.
        """
        if create:
            if await self.size(key) is not None:
                return False
            data = _mapped(path)
            if len(data) <= MAX_SINGLE_PUT_BYTES:
                return await self._create(key, data)
        with path.open("rb") as file, self._translated(key):
            await obstore.put_async(self._objects, key, file, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        return True

    async def put_bytes(self, key: str, data: bytes, *, create: bool = False) -> bool:
        """Store `data`; see `put_file`."""
        if create:
            return await self._create(key, data)
        with self._translated(key):
            await obstore.put_async(self._objects, key, data, use_multipart=False)
        return True

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store the bytes that `chunks` yields, and return their number.

        If `chunks` raises an exception, it passes through unchanged and nothing is stored.

        Raises:
            Transient: `out_of_space` or `unavailable`.
        """
        counted = _Counted(chunks)
        try:
            with self._translated(key):
                await obstore.put_async(
                    self._objects,
                    key,
                    counted,
                    use_multipart=True,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
        except Failure:
            if counted.error is not None:
                raise counted.error from None
            raise
        return counted.count

    async def get_bytes(self, key: str) -> bytes:
        """Return the artifact under `key`.

        Raises:
            MissingArtifact: There is none.
            Transient: `unavailable`.
        """
        with self._translated(key):
            answer = await obstore.get_async(self._objects, key)
            return bytes(await answer.bytes_async())

    async def get_file(self, key: str, path: Path) -> None:
        """Copy the artifact under `key` to `path`, whole or not at all.

        Raises:
            MissingArtifact: There is none.
            Transient: `out_of_space` or `unavailable`.
        """
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file, self._translated(key):
                async for chunk in self.stream(key):
                    await asyncio.to_thread(file.write, chunk)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    async def size(self, key: str) -> int | None:
        """Return the size of the artifact under `key`, in bytes, or None if there is none."""
        facts = await self.facts(key)
        return None if facts is None else facts.size_bytes

    async def facts(self, key: str) -> StoredFacts | None:
        """Return the facts about the artifact under `key`, or None if there is none."""
        try:
            with self._translated(key):
                return facts_of(await obstore.head_async(self._objects, key))
        except MissingArtifact:
            return None

    async def delete(self, key: str) -> None:
        """Delete the artifact under `key`, if there is one.

        Raises:
            Transient: `unavailable`.
        """
        with self._translated(key), suppress(FileNotFoundError):
            await obstore.delete_async(self._objects, key)

    async def delete_prefix(self, prefix: str) -> int:
        """Delete everything below `prefix` (whole path segments) and return the number of deleted artifacts."""
        if not prefix.strip("/"):
            raise ValueError("an empty prefix would delete the whole store")
        deleted = 0
        with self._translated(prefix):
            async for batch in obstore.list(self._objects, prefix):
                for meta in batch:
                    with suppress(FileNotFoundError):
                        await obstore.delete_async(self._objects, meta["path"])
                        deleted += 1
        return deleted

    async def job_prefixes(self) -> AsyncGenerator[JobPrefix, None]:
        """Yield the prefix of each job that has something in the store, known or unknown, in no order.

        Raises:
            Transient: `unavailable`.
        """
        with self._translated(_ALL):
            async for prefix in prefixes.listed(self._objects):
                yield prefix

    async def free(self) -> DiskSpace | None:
        """Return the space on the store's disk, None if the store has no such limit.

        Raises:
            Transient: `unavailable`.
        """
        return None

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end) of the artifact under `key`, up to its end if `end` is None or beyond it.

        Raises:
            MissingArtifact: There is none.
            Transient: `unavailable`.
        """
        with self._translated(key):
            if start == 0 and end is None:
                answer = await obstore.get_async(self._objects, key)
            else:
                size = (await obstore.head_async(self._objects, key))["size"]
                end = size if end is None else min(end, size)
                if start >= end:
                    return
                answer = await obstore.get_async(self._objects, key, options={"range": (start, end)})
            async for chunk in answer.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    async def url(self, key: str, seconds: float) -> str | None:
        """Return a signed URL that can read `key` for `seconds`, None if the store cannot sign."""
        if not isinstance(self._objects, S3Store):
            return None
        with self._translated(key):
            return await obstore.sign_async(self._objects, "GET", key, timedelta(seconds=seconds))

    def open_media(self, key: str, spool: Path | None = None) -> BinaryIO:
        """Return a seekable file that reads the artifact under `key` without a copy.

        It blocks; use it in child processes and threads. Reading from it raises `Transient`: `unavailable`, or
        `out_of_space` if the disk of the spool is full.

        Args:
            key: Key of the artifact.
            spool: Directory on a local disk that keeps fetched ranges until the file is closed, for a reader that reads
                them several times. A store that is a directory writes nothing there.

        Raises:
            MissingArtifact: There is no such artifact.
        """
        with self._translated(key):
            size = obstore.head(self._objects, key)["size"]

        def read_range(start: int, end: int) -> bytes:
            with self._translated(key):
                return bytes(obstore.get_range(self._objects, key, start=start, end=end))

        return io.BufferedReader(RangeReader(read_range, size, spool), buffer_size=64 * 1024)

    async def ready(self) -> None:
        """Check that the store answers.

        Raises:
            Transient: `unavailable`, it did not answer within `READY_SECONDS`.
        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._probe()
        except TimeoutError as error:
            raise Transient(
                ErrorCode.UNAVAILABLE, "The artifact store does not answer; check that it runs, or try again later."
            ) from error

    async def _probe(self) -> None:
        try:
            await self.get_bytes(_PROBE)
        except MissingArtifact:
            return
        except MissingBucket:
            # Some servers make a bucket at its first upload; with other servers, this fails again.
            await self.put_bytes(_PROBE, b"")

    async def _create(self, key: str, data: "bytes | mmap.mmap") -> bool:
        objects = self._objects
        if isinstance(objects, S3Store):
            objects = patient(objects, len(data))
        try:
            with self._translated(key):
                await obstore.put_async(objects, key, data, mode="create")
        except AlreadyThereError:
            return False
        return True

    def _translated(self, key: str) -> AbstractContextManager[None]:
        return translated(key, self.place)


class LocalFiles(Store):
    """A store in a local directory.

    Args:
        root: Directory of the store; it is made if it does not exist.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        super().__init__(LocalStore(root), root.as_uri())
        self._root = root

    async def put_file(self, key: str, path: Path, *, create: bool = False) -> bool:
        """See `Store.put_file`; the file is mapped into memory, which is four times as fast as parts."""
        if create:
            return await super().put_file(key, path, create=True)
        data = _mapped(path)
        with self._translated(key):
            await obstore.put_async(self._objects, key, data, use_multipart=False)
        return True

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """See `Store.stream`."""
        with await asyncio.to_thread(self.open_media, key) as file:
            size = os.fstat(file.fileno()).st_size
            left = (size if end is None else min(end, size)) - start
            file.seek(start)
            while left > 0:
                with self._translated(key):
                    chunk = await asyncio.to_thread(file.read, min(left, CHUNK_BYTES))
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk

    async def delete_prefix(self, prefix: str) -> int:
        """See `Store.delete_prefix`; directories and the remains of killed writers are deleted too."""
        deleted = await super().delete_prefix(prefix)
        await asyncio.to_thread(shutil.rmtree, self._path(prefix), ignore_errors=True)
        return deleted

    async def job_prefixes(self) -> AsyncGenerator[JobPrefix, None]:
        """See `Store.job_prefixes`; folders without artifacts are included."""
        with self._translated(_ALL):
            async for prefix in prefixes.in_directory(self._root):
                yield prefix

    async def free(self) -> DiskSpace | None:
        """See `Store.free`; the disk is the one that holds the directory."""
        try:
            disk = await asyncio.to_thread(shutil.disk_usage, self._root)
        except OSError as error:
            _log.warning("disk_check_failed", extra={"place": self.place, "reason": str(error)})
            sentence = "The artifact store's directory cannot be read; check that it exists and is readable."
            raise Transient(ErrorCode.UNAVAILABLE, sentence) from error
        return DiskSpace(free_bytes=disk.free, total_bytes=disk.total)

    def open_media(self, key: str, spool: Path | None = None) -> BinaryIO:
        """See `Store.open_media`; the file in the directory is opened itself."""
        with self._translated(key):
            return self._path(key).open("rb")

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or ".." in parts or parts[0] == "/":
            raise ValueError(f"{key!r} is not a key")
        return self._root.joinpath(*parts)

    async def ready(self) -> None:
        """See `Store.ready`; the directory must exist and be writable."""
        if not os.access(self._root, os.W_OK | os.X_OK):
            _log.warning("directory_check_failed", extra={"place": self.place})
            sentence = "The artifact store's directory cannot be written; check that it exists and is writable."
            raise Transient(ErrorCode.UNAVAILABLE, sentence)


def open_store(url: str) -> Store:
    """Return the store at `url`.

    Args:
        url: URL such as `file:///directory`, `s3://bucket/prefix` (with endpoint, region and keys from the `AWS_*`
            variables, such as AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or `memory://`.

    Raises:
        ValueError: The URL has none of these forms, or the S3 endpoint is malformed; the message is a sentence for a
            person that repeats neither, because they may hold keys.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme == "file" and parts.path.startswith("/"):
        return LocalFiles(Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return Store(MemoryStore(), "memory://")
    if parts.scheme == "s3" and "@" in parts.netloc:
        raise ValueError("The store's URL has keys in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead.")
    if parts.scheme == "s3" and parts.netloc:
        return Store(s3_store(parts.netloc, parts.path.strip("/")), f"s3://{parts.netloc}{parts.path}")
    raise ValueError("The value is not the URL of a store; use file:///directory, s3://bucket/prefix or memory://.")


class _Counted:
    """An iterator that passes chunks on, counts their bytes and keeps the exception that ended them."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.count = 0
        self.error: BaseException | None = None

    def __aiter__(self) -> "_Counted":
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self.error = error
            raise
        self.count += len(chunk)
        return chunk


def _mapped(path: Path) -> "bytes | mmap.mmap":
    """Return the bytes of a file, read as they are sent; an empty file cannot be mapped.

    Nobody closes the mapping because a cancelled upload may use it for another moment.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
