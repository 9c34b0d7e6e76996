"""A temporary directory for one task, gone when the task is over however it ends."""

import asyncio
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

PREFIX = "clipmill-download-"

YOUNG_SECONDS = 60.0
"""Younger directories are left alone: their owner may not have locked them yet."""


@asynccontextmanager
async def workroom(parent: Path | None) -> AsyncIterator[Path]:
    """Make a directory below `parent` (the system's place for temporary files if None) and remove it afterwards."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PREFIX, dir=parent))
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        # A second cancellation stops this wait, not the thread.
        await asyncio.to_thread(_remove, folder, lock)


def sweep(parent: Path | None) -> int:
    """Remove the directories that killed processes left behind, and return how many those were.

    A directory is locked by the process that works in it, and the lock dies with the process.
    """
    swept = 0
    for folder in Path(parent or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # locked, not ours, or gone already
            if time.time() - folder.stat().st_mtime < YOUNG_SECONDS:
                continue
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                swept += 1
            finally:
                os.close(lock)
    return swept


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
