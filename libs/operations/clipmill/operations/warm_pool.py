"""Child processes that are started before they are needed.

An interpreter takes most of a second to import the libraries that decode, detect and encode. A process for each call
keeps hostile work apart, and a process that waits with everything imported saves that second.
"""

import asyncio
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from clipmill.contracts.failures import Transient
from clipmill.operations.child import Child, Limits, OnProgress
from clipmill.operations.logs import get_logger
from msgspec import Struct

R = TypeVar("R", bound=Struct)

_log = get_logger(__name__)


class _WarmChild(NamedTuple):
    """A child process, and the task that starts it."""

    child: Child
    preparing: asyncio.Task[None]


class WarmPool:
    """Runs a function, each call in a new child process; some processes wait ready. A context manager.

    Args:
        target: Function as `package.module:function`.
        limits: Limits of each call.
        ready: Number of processes that wait; with 0, each call starts its own.
    """

    def __init__(self, target: str, limits: Limits, ready: int) -> None:
        self._target = target
        self._limits = limits
        self._wanted = ready
        self._waiting: list[_WarmChild] = []

    async def __aenter__(self) -> Self:
        self._fill()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wanted = 0
        for warm in self._waiting:
            warm.preparing.cancel()
        await asyncio.gather(*(warm.preparing for warm in self._waiting), return_exceptions=True)
        for warm in self._waiting:
            await warm.child.stop()

    async def call(self, request: Struct, result: type[R], *, on_progress: OnProgress | None = None) -> R:
        """Run the function once in a process that then ends; see `Child.call` for its errors.

        Args:
            request: Argument of the function.
            result: Type of the function's result.
            on_progress: Callback for each percentage that the function reports.
        """
        warm = self._waiting.pop(0) if self._waiting else None
        try:
            async with warm.child if warm is not None else Child(self._target, self._limits) as child:
                if warm is not None:
                    await warm.preparing  # otherwise it would start another process after the call
                answer = await child.call(request, result, on_progress=on_progress)
                await child.stop("finished")
                return answer
        finally:
            self._fill()

    def _fill(self) -> None:
        while len(self._waiting) < self._wanted:
            child = Child(self._target, self._limits)
            self._waiting.append(_WarmChild(child, asyncio.create_task(self._prepare(child))))

    async def _prepare(self, child: Child) -> None:
        try:
            await child.prepare()
        except (OSError, Transient) as error:  # the call that takes it tries again, and reports it
            _log.warning("child_preparing_failed", target=self._target, reason=str(error))
