"""The jobs that have something in a store, also the remains of killed writers; the sweeper looks for orphans here."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import obstore
from clipmill.artifacts import layout
from obstore.store import ObjectStore


class JobPrefix(NamedTuple):
    """Everything that is stored below one job's prefix, taken together.

    Attributes:
        name: Text in the place of the job's id; the caller must check that it is one.
        modified: Unix time of the latest change below the prefix, in seconds.
    """

    name: str
    modified: float


async def listed(objects: ObjectStore) -> AsyncGenerator[JobPrefix, None]:
    """Yield the prefixes under which `objects` lists something.

    An S3 upload that a killed writer left unfinished is not listed. The operator should give the bucket a lifecycle
    rule that aborts unfinished uploads (deploy/README.md).
    """
    newest: dict[str, float] = {}
    async for batch in obstore.list(objects, f"{layout.JOBS}/"):
        for meta in batch:
            name = meta["path"].split("/")[1]
            newest[name] = max(newest.get(name, 0.0), meta["last_modified"].timestamp())
    for name, modified in newest.items():
        yield JobPrefix(name, modified)


async def in_directory(root: Path) -> AsyncGenerator[JobPrefix, None]:
    """Yield the prefixes that have a folder in `root`, also a folder in which a store lists nothing.

    Such a folder remains after a killed writer, which leaves a hidden `key#1`, and after a deleted artifact.
    """
    for folder in await asyncio.to_thread(_folders, root / layout.JOBS):
        if times := await asyncio.to_thread(lambda path: list(_times(path)), folder):
            yield JobPrefix(folder.name, max(times))


def _folders(path: Path) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _times(path: Path) -> Iterator[float]:
    """Yield the times at which `path` and everything below it was modified; skip files that vanish meanwhile."""
    with suppress(FileNotFoundError):
        yield path.lstat().st_mtime
    for folder, folders, files in os.walk(path):  # it follows no links and skips folders that vanish
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                yield Path(folder, name).lstat().st_mtime
