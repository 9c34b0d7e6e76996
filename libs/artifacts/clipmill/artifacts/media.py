"""Reading media where it lies: a seekable file over range requests."""

import io
from collections import OrderedDict
from collections.abc import Callable

BLOCK_BYTES = 256 * 1024
"""The unit of caching: a demuxer that hops between an audio and a video position stays inside a few blocks."""

MAX_READ_AHEAD_BLOCKS = 16
"""Sequential reading doubles its request up to this many blocks (4 MiB), so that a request's latency costs little."""

CACHED_BLOCKS = 64
"""Blocks kept (16 MiB): the index, and the neighbourhood of several read positions."""

ReadRange = Callable[[int, int], bytes]
"""Returns the bytes [start, end) of the object, blocking."""


class RangeReader(io.RawIOBase):
    """A read-only, seekable raw file over `read_range`.

    A jump fetches one block; reading on from where the last request ended doubles the request each time. So opening
    a file and cutting a few seconds out of its middle costs a few requests and little more than the bytes needed.

    Args:
        read_range: fetches bytes [start, end) of the object.
        size: of the object, bytes.
    """

    def __init__(self, read_range: ReadRange, size: int) -> None:
        super().__init__()
        self._read_range = read_range
        self._size = size
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next_block = -1
        self._ahead = 1

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

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            self._fetch(number)
            block = self._blocks[number]
        self._blocks.move_to_end(number)
        return block

    def _fetch(self, number: int) -> None:
        self._ahead = min(self._ahead * 2, MAX_READ_AHEAD_BLOCKS) if number == self._next_block else 1
        start = number * BLOCK_BYTES
        data = self._read_range(start, min(start + self._ahead * BLOCK_BYTES, self._size))
        for offset in range(0, len(data), BLOCK_BYTES):
            self._blocks[number + offset // BLOCK_BYTES] = data[offset : offset + BLOCK_BYTES]
        self._next_block = number + self._ahead
        while len(self._blocks) > CACHED_BLOCKS:
            self._blocks.popitem(last=False)
