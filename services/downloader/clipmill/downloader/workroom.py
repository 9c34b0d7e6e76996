"""A temporary directory for one task, gone when the task is over however it ends."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

PREFIX = "clipmill-download-"


@asynccontextmanager
async def workroom(parent: Path | None) -> AsyncIterator[Path]:
    """Make a directory below `parent` (the system's place for temporary files if None) and remove it afterwards."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PREFIX, dir=parent))
    try:
        yield folder
    finally:
        # A second cancellation stops this wait, not the thread.
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
