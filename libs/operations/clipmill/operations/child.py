"""Hostile or heavy work in a child process that can be stopped at any moment and cannot take the service with it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import psutil
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations.child_main import Answer, Done, Failed, Progress
from clipmill.operations.logs import get_logger
from clipmill.operations.processes import OwnedProcess, start_process
from msgspec import Struct
from prometheus_client import Counter

R = TypeVar("R", bound=Struct)

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Longest answer of a child; the transcript of a day of talk is far below."""

MEMORY_POLL_SECONDS = 0.5
"""How often the resident memory of a child's process group is looked at."""

STDERR_TAIL_BYTES = 8 * 1024
"""What is kept of a child's standard error for the log of a crash."""

OnProgress = Callable[[float], None]

_log = get_logger(__name__)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_exits = Counter(
    "clipmill_child_exits", "Child processes ended, by what they ran and why they ended.", ["target", "reason"]
)


class Limits(Struct, frozen=True, kw_only=True):
    """What one call may use; None is no limit.

    Attributes:
        seconds: wall time of a call, starting the process included.
        resident_bytes: resident memory of the child and all processes it started, together.
        file_bytes: size of any single file that the child or a process it started writes.
    """

    seconds: float | None = None
    resident_bytes: int | None = None
    file_bytes: int | None = None


async def run_child(
    target: str,
    request: Struct,
    result: type[R],
    *,
    limits: Limits = Limits(),
    on_progress: OnProgress | None = None,
) -> R:
    """Run a function once in a child process of its own; see `Child.call`.

    Args:
        target: `package.module:function`, where `function(request, report) -> result` runs in the child.
        request: its argument, a Struct of the type that the function's first parameter is annotated with.
        result: the type it returns.
        limits: what it may use.
        on_progress: called with the percentage that the function reports.
    """
    async with Child(target, limits) as child:
        return await child.call(request, result, on_progress=on_progress)


class Child:
    """A child process that answers calls, one at a time, started at the first and again after it died.

    Args:
        target: `package.module:function`.
        limits: what each call may use.
    """

    def __init__(self, target: str, limits: Limits = Limits()) -> None:
        self._target = target
        self._limits = limits
        self._turn = asyncio.Lock()
        self._process: OwnedProcess | None = None
        self._stderr = _StderrTail()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def call(self, request: Struct, result: type[R], *, on_progress: OnProgress | None = None) -> R:
        """Run the function in the child and return what it returns.

        Cancelling the call kills the child's whole process group at once.

        Raises:
            Permanent: as raised by the function, or `too_large` where a file outgrew its limit.
            Transient: as raised by the function, or with `worker_crashed`, `timed_out`, `out_of_memory`,
                `out_of_space`.
        """
        async with self._turn:
            reason = "crashed"
            keep = False
            try:
                async with asyncio.timeout(self._limits.seconds):
                    answer = await self._converse(request, on_progress)
                keep = True
            except TimeoutError as error:
                reason = "timed_out"
                sentence = f"The work took longer than the {self._limits.seconds:g} seconds it may take."
                raise Transient(ErrorCode.TIMED_OUT, sentence) from error
            except _MemoryExceeded as error:
                reason = "out_of_memory"
                raise Transient(ErrorCode.OUT_OF_MEMORY, str(error)) from error
            except _Crashed as error:
                raise Transient(ErrorCode.WORKER_CRASHED, await self._crash_report()) from error
            except asyncio.CancelledError:
                reason = "cancelled"
                raise
            finally:
                if not keep:
                    await self._end(reason)
        if isinstance(answer, Failed):
            raise _failure(answer)
        return msgspec.json.decode(answer.result, type=result)

    async def stop(self) -> None:
        """End the process if there is one."""
        await self._end("stopped")

    async def _converse(self, request: Struct, on_progress: OnProgress | None) -> Done | Failed:
        """Send the request and read until its answer."""
        process = await self._started()
        conversation = asyncio.ensure_future(self._exchange(process, request, on_progress))
        watch = asyncio.ensure_future(self._watch_memory(process))
        try:
            await asyncio.wait((conversation, watch), return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and not conversation.done():
                watch.result()
            return await conversation
        finally:
            for task in (conversation, watch):
                task.cancel()
            await asyncio.wait((conversation, watch))
