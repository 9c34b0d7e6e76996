"""The boxes of an MP4 file (ISO/IEC 14496-12), by name and in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"})
"""Boxes that hold other boxes and lead to a track's tables."""


def boxes(path: Path) -> Iterator[bytes]:
    """Yield the names of a file's boxes in order, down to those of a track's tables; none if the file is no MP4."""
    with path.open("rb") as file:
        yield from _within(file, 0, path.stat().st_size)


def _within(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    while begin + 8 <= end:
        file.seek(begin)
        head = file.read(16)
        size, name, header = int.from_bytes(head[:4]), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        elif size == 0:
            size = end - begin
        if size < header:
            return
        yield name
        if name in CONTAINERS:
            yield from _within(file, begin + header, min(begin + size, end))
        begin += size
