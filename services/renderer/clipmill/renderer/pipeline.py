"""Stages of work that overlap: each runs in its own thread, a few items ahead of the next one.

Decoding, drawing and encoding spend their time in C code that releases Python's global lock. Threads are enough to keep
the processors busy, and pictures pass from one stage to the next without a copy.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """Takes items from an iterable in its own thread and keeps a few of them ready.

    Use it as a context manager and iterate over it once. Leaving it stops the thread and waits for it. An error of the
    iterable is raised unchanged by the iteration, after the items that came before it.

    Args:
        items: Items that the thread takes, and nobody else.
        depth: Most items that wait to be taken.
        name: Name of the thread.
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
        """Return whether an item, or the end, is available without waiting."""
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
        except BaseException as error:  # noqa: BLE001  # the iteration raises it
            self._error = error
        finally:
            self._items = ()  # closes a generator that was stopped halfway, in its own thread
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: T) -> bool:
        """Wait for a free place and put `item` there; return whether more items are wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._ready) < self._depth)
            if not self._stopped:
                self._ready.append(item)
                self._changed.notify_all()
            return not self._stopped
