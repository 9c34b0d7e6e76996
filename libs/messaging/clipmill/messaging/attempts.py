"""How often each task was begun, counted where a crash cannot forget it."""

from functools import partial

from clipmill.contracts.tasks import TaskBase
from clipmill.messaging.connection import insist
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue


class Attempts:
    """Counters in the bucket `attempts`, one a task; every change is a compare-and-set."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    async def begin(self, task: TaskBase) -> int:
        """Count one more attempt at `task` and return its number, from 1."""
        return await self._add(task, 1)

    async def take_back(self, task: TaskBase) -> None:
        """Forget the last attempt: it was given back unharmed."""
        await self._add(task, -1)

    async def _add(self, task: TaskBase, step: int) -> int:
        key = _key(task)
        while True:
            revision, count = await self._read(key)
            count = max(0, count + step)
            write = partial(self._bucket.update, key, str(count).encode(), last=revision)
            try:
                await insist(write)
            except KeyWrongLastSequenceError:
                continue  # another worker counted, or our own answer was lost: an attempt too many is harmless
            return count

    async def _read(self, key: str) -> tuple[int, int]:
        try:
            entry = await insist(lambda: self._bucket.get(key))
        except KeyNotFoundError as missing:
            return (missing.entry.revision or 0 if missing.entry else 0), 0
        return entry.revision or 0, int(entry.value or b"0")


def _key(task: TaskBase) -> str:
    key = f"{task.job}.{task.stage}" if task.clip is None else f"{task.job}.{task.stage}.{task.clip}"
    return f"{key}.{task.generation}"
