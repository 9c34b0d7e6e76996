"""Media as a seekable file over range requests."""

import errno
import io
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from clipmill.artifacts.store_failures import FULL_DISK
from clipmill.contracts.failures import ErrorCode, Transient

BLOCK_BYTES = 64 * 1024
"""The unit of caching: a demuxer that hops between an audio and a video position stays inside a few blocks."""

FIRST_RUN_BLOCKS = 4
"""The smallest request (256 KiB) when reading goes on at the end of an earlier request."""

RUN_SHARE = 4
"""A request is at most a quarter of the data read since the last jump. A reader that stops has fetched at most a
quarter too much, and a reader of the whole file soon makes large requests, whose latency costs little."""

MAX_READ_AHEAD_BLOCKS = 64
"""The largest request (4 MiB)."""

RUNS = 8
"""Number of requests whose ends are remembered: a demuxer reads picture, sound and index by turns."""

CACHED_BLOCKS = 256
"""Blocks kept in memory (16 MiB): enough for the index and the surroundings of several read positions."""

_log = logging.getLogger(__name__)

ReadRange = Callable[[int, int], bytes]
"""A function that returns the bytes [start, end) of the object and blocks until it has them."""


class RangeReader(io.RawIOBase):
    """A read-only, seekable raw file over `read_range`.

    A jump fetches one block. Reading on at the end of a request fetches more, in proportion to what was read since the
    last jump. So a few seconds from the middle of a file cost a few requests and little more than the bytes needed.

    Args:
        read_range: Function that fetches the bytes [start, end) of the object.
        size: Size of the object, in bytes.
        spool: Directory for a nameless file that keeps all fetched blocks, each of which is fetched only once. Without
            it, the last `CACHED_BLOCKS` are kept in memory.
    """

    def __init__(self, read_range: ReadRange, size: int, spool: Path | None = None) -> None:
        super().__init__()
        self._read_range = read_range
        self._size = size
        self._position = 0
        self._kept: _Blocks = _Recent() if spool is None else _Spool(spool)
        self._current: tuple[int, bytes] | None = None
        self._runs: OrderedDict[int, int] = OrderedDict()  # block after a run -> blocks of the run

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position, in bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to `offset` and return the new position.

        Raises:
            ValueError: The position is before the start, or `whence` is unknown.
        """
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if whence not in bases:
            raise ValueError(f"unknown whence {whence}")
        position = bases[whence] + offset
        if position < 0:
            raise ValueError("cannot seek before the start")
        self._position = position
        return position

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]  # the types that io passes
        """Fill `buffer` from the position on and return the number of bytes read, 0 at the end of the object."""
        if self._position >= self._size:
            return 0
        number, offset = divmod(self._position, BLOCK_BYTES)
        block = self._block(number)
        count = min(len(buffer), len(block) - offset)
        buffer[:count] = block[offset : offset + count]
        self._position += count
        return count

    def close(self) -> None:
        """Close the file and drop the kept blocks."""
        if not self.closed:
            self._kept.close()
        super().close()

    def _block(self, number: int) -> bytes:
        if self._current is None or self._current[0] != number:
            block = self._kept.get(number)
            self._current = number, self._fetched(number) if block is None else block
        return self._current[1]

    def _fetched(self, number: int) -> bytes:
        """Return the block. If it continues a run, fetch the blocks after it too, up to the next kept block."""
        run = self._runs.pop(number, 0)
        count = 1 if not run else min(max(run // RUN_SHARE, FIRST_RUN_BLOCKS), MAX_READ_AHEAD_BLOCKS)
        last = number + 1
        while last < number + count and last * BLOCK_BYTES < self._size and not self._kept.has(last):
            last += 1
        start = number * BLOCK_BYTES
        data = self._read_range(start, min(last * BLOCK_BYTES, self._size))
        blocks = [data[offset : offset + BLOCK_BYTES] for offset in range(0, len(data), BLOCK_BYTES)]
        for index, block in enumerate(blocks):
            self._kept.put(number + index, block)
        self._runs[last] = run + last - number
        if len(self._runs) > RUNS:
            self._runs.popitem(last=False)
        return blocks[0]


class _Blocks(Protocol):
    """A place for fetched blocks."""

    def has(self, number: int) -> bool: ...

    def get(self, number: int) -> bytes | None: ...

    def put(self, number: int, block: bytes) -> None: ...

    def close(self) -> None: ...


class _Recent:
    """The most recently used blocks, in memory."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def has(self, number: int) -> bool:
        return number in self._blocks

    def get(self, number: int) -> bytes | None:
        block = self._blocks.get(number)
        if block is not None:
            self._blocks.move_to_end(number)
        return block

    def put(self, number: int, block: bytes) -> None:
        self._blocks[number] = block
        while len(self._blocks) > CACHED_BLOCKS:
            self._blocks.popitem(last=False)

    def close(self) -> None:
        self._blocks.clear()


class _Spool:
    """All blocks, in the order in which they were fetched, in a nameless file that vanishes with the process.

    If the process may not write a file that large, the most recently used of the further blocks are kept in memory.
    Reading then goes on, with more requests.
    """

    def __init__(self, directory: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115  # closed with the reader
        self._places: dict[int, tuple[int, int]] = {}  # block -> offset and length in the file
        self._end = 0
        self._limited = False
        self._later = _Recent()

    def has(self, number: int) -> bool:
        return number in self._places or self._later.has(number)

    def get(self, number: int) -> bytes | None:
        place = self._places.get(number)
        return os.pread(self._file.fileno(), place[1], place[0]) if place else self._later.get(number)

    def put(self, number: int, block: bytes) -> None:
        try:
            if not self._limited:
                self._write(block)
        except OSError as error:
            if error.errno in FULL_DISK:
                sentence = "The disk for temporary files is full; free some space."
                raise Transient(ErrorCode.OUT_OF_SPACE, sentence) from error
            if error.errno != errno.EFBIG:
                raise
            _log.warning("spool_limited", extra={"bytes": self._end})
            self._limited = True
        if self._limited:
            self._later.put(number, block)
            return
        self._places[number] = self._end, len(block)
        self._end += len(block)

    def close(self) -> None:
        self._file.close()
        self._later.close()

    def _write(self, block: bytes) -> None:
        written = 0
        while written < len(block):
            written += os.pwrite(self._file.fileno(), block[written:], self._end + written)
