"""Work in batches, several at the same time, that become smaller when memory runs out."""

import gc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.transcriber.models.weights import NAMED_IN

T = TypeVar("T")
R = TypeVar("R")

_SIGNS = ("out of memory", "alloc_failed", "bad_alloc", "failed to allocate")
"""Parts of the messages of CTranslate2, cuBLAS, cuDNN, torch and the C++ library when memory runs out."""


class Batches:
    """Batches of a size that becomes smaller when memory runs out and stays so.

    Attributes:
        size: Most items in a batch.
        workers: Number of batches that are worked on at the same time, each in a thread.
        reduced: True if memory has ever run out.
    """

    def __init__(self, size: int, workers: int = 1) -> None:
        self.size = size
        self.reduced = False
        self.workers = workers

    @property
    def at_once(self) -> int:
        """Most items that are worked on at the same time."""
        return self.size * self.workers

    def run(self, items: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[R]:
        """Yield the result of `work` for each batch, in the order of the items.

        If a batch does not fit into memory, batches are halved, or else done one after the other; this one and those
        after it are done again.

        Raises:
            Transient: with `out_of_memory` if a single item is too large.
        """
        position = ahead = 0
        coming: deque[tuple[Sequence[T], Future[R]]] = deque()
        with ThreadPoolExecutor(self.workers) as pool:
            while position < len(items):
                while ahead < len(items) and len(coming) < self.workers:
                    batch = items[ahead : ahead + self.size]
                    coming.append((batch, pool.submit(work, batch)))
                    ahead += len(batch)
                batch, result = coming.popleft()
                problem = result.exception()
                if problem is None:
                    position += len(batch)
                    yield result.result()
                    continue
                wait([each for _, each in coming])
                coming.clear()
                ahead = position
                self._reduce(batch, problem)

    def _reduce(self, batch: Sequence[T], problem: BaseException) -> None:
        """Make batches smaller after `batch` failed; raise if that would not help."""
        if not isinstance(problem, MemoryError | RuntimeError) or not _ran_out_of_memory(problem):
            raise problem
        if len(batch) > 1:
            self.size = len(batch) // 2
        elif self.workers > 1:
            self.workers = 1
        else:
            sentence = (
                f"The speech model does not fit into memory; in {NAMED_IN} name a smaller model, or set "
                "CLIPMILL_TRANSCRIBER_DEVICE to cpu."
            )
            raise Transient(ErrorCode.OUT_OF_MEMORY, sentence) from problem
        self.reduced = True


def _ran_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS)


def freeing(work: Callable[[Sequence[T]], R]) -> Callable[[Sequence[T]], R]:
    """Return `work`, which frees the memory of what failed for the next try with less."""

    def run(batch: Sequence[T]) -> R:
        try:
            return work(batch)
        except (MemoryError, RuntimeError):
            gc.collect()
            raise

    return run
