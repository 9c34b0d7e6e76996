"""A temporary directory for one task, gone when the task is over, and swept later if its process was killed.

A directory is locked by the process that works in it, and the lock dies with the process.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def scratch_dir(prefix: str, parent: Path | None = None) -> AsyncIterator[Path]:
    """Make a directory and remove it afterwards.

    Args:
        prefix: of its name, one for each service.
        parent: where it is made; the system's place for temporary files if None.
    """
    folder, lock = _make(prefix, parent)
    try:
        yield folder
    finally:
        # A second cancellation stops this wait, not the thread.
        await asyncio.to_thread(_remove, folder, lock)


def sweep(prefix: str, parent: Path | None = None) -> int:
    """Remove the directories that killed processes left behind, and return how many those were."""
    swept = 0
    for folder in Path(parent or tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # locked, not ours, or gone already
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                swept += 1
            finally:
                os.close(lock)
    return swept


def _make(prefix: str, parent: Path | None) -> tuple[Path, int]:
    """Return a new directory and the descriptor that locks it; one that was swept before it was locked is made anew."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)  # a sweeper holds it for as long as it takes to remove an empty directory
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
