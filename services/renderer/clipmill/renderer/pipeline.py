"""Stages of work that overlap: each in a thread of its own, a few items ahead of the next one.

Decoding, drawing and encoding spend their time in C code that lets go of Python's lock, so threads are enough to keep
the processors busy, and pictures go from one to the next without being copied.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """Takes items from an iterable in a thread of its own and keeps a few of them ready.

    A context manager, to be iterated over once; leaving it ends the thread and waits for that. What the iterable raises
    is raised, as it is, to whoever takes items, after those that came before.

    Args:
        items: taken and used by the thread alone.
        depth: most items that wait to be taken.
        name: of the thread.
    """

    def __init__(self, items: Iterable[T], depth: int, name: str) -> None:
        self._items = items
        self._depth = depth
        self._ready: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._stopped = True
            self._ready.clear()
            self._changed.notify_all()
        self._thread.join()

    @property
    def ready(self) -> bool:
        """Whether an item, or the end, can be had without waiting."""
        with self._changed:
            return bool(self._ready) or self._ended

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or self._ended)
                if not self._ready:
                    break
                item = self._ready.popleft()
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as error:  # noqa: BLE001  # it is raised where items are taken
            self._error = error
        finally:
            self._items = ()  # a generator that was left halfway is closed here, in its thread
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: T) -> bool:
        """Wait for room and put `item` there; returns whether anyone still wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._ready) < self._depth)
            if not self._stopped:
                self._ready.append(item)
                self._changed.notify_all()
            return not self._stopped
