"""A count of each task's tries, kept where a crash cannot lose it."""

from collections.abc import Callable
from uuid import uuid4

from clipmill.contracts.tasks import TaskBase
from clipmill.messaging.buckets import Bucket, Conflict
from msgspec import Struct
from msgspec.structs import replace


class Tally(Struct, frozen=True):
    """The tries of one task.

    Attributes:
        begun: Tries begun and not taken back; each one finished, failed or died.
        waited: Tries that ended because the surroundings failed (no store, no space); they use up no attempt.
        writer: Id of the last write; a writer whose answer was lost reads it to learn whether its write was stored.
    """

    begun: int = 0
    waited: int = 0
    writer: str = ""

    def try_begun(self) -> "Tally":
        """Return the tally with one more try."""
        return replace(self, begun=self.begun + 1)

    def try_taken_back(self) -> "Tally":
        """Return the tally without the last try, which was given back."""
        return replace(self, begun=max(0, self.begun - 1))

    def try_waited(self) -> "Tally":
        """Return the tally with the last try counted as one that had to wait."""
        return replace(self.try_taken_back(), waited=self.waited + 1)


class Attempts:
    """A tally for each task in the bucket `attempts`; every change is a compare-and-set."""

    def __init__(self, bucket: Bucket[Tally]) -> None:
        self._bucket = bucket

    async def begin(self, task: TaskBase) -> Tally:
        """Count one more try at `task`; the first costs one request."""
        return await self._change(task, Tally.try_begun, known=0)

    async def take_back(self, task: TaskBase, *, deadline: float | None = None) -> Tally:
        """Take back the last try, whose task was given back.

        Raises:
            Transient: `unavailable`, after the deadline (`time.monotonic()`).
        """
        return await self._change(task, Tally.try_taken_back, deadline=deadline)

    async def wait(self, task: TaskBase) -> Tally:
        """Count the last try as one that ended because the surroundings failed."""
        return await self._change(task, Tally.try_waited)

    async def _change(
        self,
        task: TaskBase,
        step: Callable[[Tally], Tally],
        *,
        known: int | None = None,
        deadline: float | None = None,
    ) -> Tally:
        key, writer = _key(task), uuid4().hex
        while True:
            tally = Tally()
            if known is None:
                entry = await self._bucket.get(key, deadline=deadline)
                known, tally = entry.revision, entry.value or tally
            if tally.writer == writer:
                return tally  # this write was stored, but its answer was lost
            changed = replace(step(tally), writer=writer)
            try:
                await self._bucket.update(key, changed, known, deadline=deadline)
            except Conflict:
                known = None
                continue
            return changed


def _key(task: TaskBase) -> str:
    key = f"{task.job}.{task.stage}" if task.clip is None else f"{task.job}.{task.stage}.{task.clip}"
    return f"{key}.{task.generation}"
