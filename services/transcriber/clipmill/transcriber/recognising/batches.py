"""Work in batches that become smaller when memory runs out."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from clipmill.contracts.failures import ErrorCode, Transient

T = TypeVar("T")
R = TypeVar("R")

_SIGNS = ("out of memory", "alloc_failed", "bad_alloc", "failed to allocate")
"""Parts of the messages of CTranslate2, cuBLAS, cuDNN, torch and the C++ library when memory runs out."""


class Batches:
    """Batches of a size that becomes smaller when memory runs out and stays so.

    Attributes:
        size: Number of items in a batch.
        reduced: True if memory has ever run out.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.reduced = False

    def run(self, items: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[R]:
        """Yield the result of `work` for each batch; halve a batch that does not fit into memory and try it again.

        Raises:
            Transient: with `out_of_memory` if a single item is too large.
        """
        position = 0
        while position < len(items):
            batch = items[position : position + self.size]
            try:
                result = work(batch)
            except (MemoryError, RuntimeError) as error:
                if not _ran_out_of_memory(error):
                    raise
                if len(batch) == 1:
                    sentence = (
                        "The speech model does not fit into memory; set CLIPMILL_TRANSCRIBER_MODEL to a smaller model "
                        "or CLIPMILL_TRANSCRIBER_DEVICE to cpu."
                    )
                    raise Transient(ErrorCode.OUT_OF_MEMORY, sentence) from error
                self.size = len(batch) // 2
                self.reduced = True
                continue
            position += len(batch)
            yield result


def _ran_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS)
