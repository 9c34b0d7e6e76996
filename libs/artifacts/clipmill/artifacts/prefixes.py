"""What a store holds of each job, whatever state it was left in: for whoever tidies up."""

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
    """Everything that lies below one job's prefix, taken together.

    Attributes:
        name: what stands where the job's id belongs; whether it is one is for the caller to judge.
        modified: when the newest of it was last changed, Unix time in seconds.
    """

    name: str
    modified: float


async def listed(objects: ObjectStore) -> AsyncGenerator[JobPrefix, None]:
    """Yield the prefixes under which `objects` lists something.

    Of an S3 upload that a killed writer left unfinished nothing is listed: a lifecycle rule of the bucket removes it.
    """
    newest: dict[str, float] = {}
    async for batch in obstore.list(objects, f"{layout.JOBS}/"):
        for meta in batch:
            name = meta["path"].split("/")[1]
            newest[name] = max(newest.get(name, 0.0), meta["last_modified"].timestamp())
    for name, modified in newest.items():
        yield JobPrefix(name, modified)


async def in_directory(root: Path) -> AsyncGenerator[JobPrefix, None]:
    """Yield the prefixes that have a folder in `root`, also one that holds nothing a store would list.

    A killed writer leaves a hidden `key#1`, a deleted artifact an empty folder: both count.
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
    """Yield when `path` and all below it was modified, Unix seconds; what vanishes meanwhile is passed over."""
    with suppress(FileNotFoundError):
        yield path.lstat().st_mtime
    for folder, folders, files in os.walk(path):  # neither follows links nor minds what vanishes
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                yield Path(folder, name).lstat().st_mtime
