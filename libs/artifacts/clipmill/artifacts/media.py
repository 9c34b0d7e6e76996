"""Reading media where it lies: a seekable file over range requests."""

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
"""What is asked for at a time when reading goes on where a request ended (256 KiB)."""

RUN_SHARE = 4
"""A request is at most this part of what was read in one go before it: reading that stops has fetched a quarter more
than it needed, while a whole file is soon read in large requests, whose latency costs little."""

MAX_READ_AHEAD_BLOCKS = 64
"""The largest request (4 MiB)."""

RUNS = 8
"""Positions remembered as ends of requests: a demuxer reads picture, sound and index by turns."""

CACHED_BLOCKS = 256
"""Blocks kept in memory (16 MiB): the index, and the neighbourhood of several read positions."""

_log = logging.getLogger(__name__)

ReadRange = Callable[[int, int], bytes]
"""Returns the bytes [start, end) of the object, blocking."""


class RangeReader(io.RawIOBase):
    """A read-only, seekable raw file over `read_range`.

    A jump fetches one block; reading on from where a request ended asks for more, in proportion to what was read in one
    go so far. So opening a file and cutting a few seconds out of its middle costs a few requests and little more than
    the bytes needed.

    Args:
        read_range: fetches bytes [start, end) of the object.
        size: of the object, bytes.
        spool: a directory for a nameless file that keeps what was fetched, so that nothing is fetched twice however
            often it is read; without it the last `CACHED_BLOCKS` are kept in memory.
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
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Return the position, bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to `offset` and return the new position.

        Raises:
            ValueError: if that lies before the start or `whence` is unknown.
        """
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if whence not in bases:
            raise ValueError(f"unknown whence {whence}")
        position = bases[whence] + offset
        if position < 0:
            raise ValueError("cannot seek before the start")
        self._position = position
        return position

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]  # what io hands us
        """Fill `buffer` from the position on and return the number of bytes read, 0 at the end."""
        if self._position >= self._size:
            return 0
        number, offset = divmod(self._position, BLOCK_BYTES)
        block = self._block(number)
        count = min(len(buffer), len(block) - offset)
        buffer[:count] = block[offset : offset + count]
        self._position += count
        return count

    def close(self) -> None:
        """Close the file and forget what was kept."""
        if not self.closed:
            self._kept.close()
        super().close()

    def _block(self, number: int) -> bytes:
        if self._current is None or self._current[0] != number:
            block = self._kept.get(number)
            self._current = number, self._fetched(number) if block is None else block
        return self._current[1]

    def _fetched(self, number: int) -> bytes:
        """Fetch the block and, when it continues a run, some after it, up to the next one that is there already."""
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
    """Keeps fetched blocks, or forgets them."""

    def has(self, number: int) -> bool: ...

    def get(self, number: int) -> bytes | None: ...

    def put(self, number: int, block: bytes) -> None: ...

    def close(self) -> None: ...


class _Recent:
    """The blocks used last, in memory."""

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
    """All blocks, one after the other as they came, in a file without a name: it goes with the process that made it.

    Where the process may not write files as large as that, what comes later is kept in memory as far as it was used
    last: reading costs more requests then, but goes on.
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
                raise Transient(ErrorCode.OUT_OF_SPACE, "The disk is full; free some space.") from error
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
