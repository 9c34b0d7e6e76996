"""A temporary directory for one task, removed when the task is over, and swept later if its process was killed.

The process that works in a directory locks it, and the lock dies with the process.
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
        prefix: Prefix of its name, one for each service.
        parent: Directory in which it is made; None for the system's directory of temporary files.
    """
    folder, lock = _make(prefix, parent)
    try:
        yield folder
    finally:
        # A second cancellation stops this wait, not the thread.
        await asyncio.to_thread(_remove, folder, lock)


def sweep(prefix: str, parent: Path | None = None) -> int:
    """Remove the directories that killed processes left behind, and return their number."""
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
    """Return a new directory and the descriptor that locks it; make another if it was swept before it was locked."""
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
