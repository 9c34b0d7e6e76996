"""Hostile or heavy work in a child process that can be killed at any moment and cannot harm the service."""

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
"""Longest answer of a child; the transcript of a day of talk is far shorter."""

MEMORY_POLL_SECONDS = 0.5
"""Time between two checks of the resident memory of a child's process group."""

STDERR_TAIL_BYTES = 8 * 1024
"""End of a child's standard error that is kept for the log of a crash."""

EXIT_SECONDS = 5.0
"""Time that an interpreter with many libraries may take to shut down after an uncaught exception."""

STDERR_END_SECONDS = 1.0
"""Time for which standard error is still read after the group is dead; a process outside it may hold it open."""

OnProgress = Callable[[float], None]

_log = get_logger(__name__)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
_exits = Counter("clipmill_child_exits", "Ended child processes, by target and reason.", ["target", "reason"])


class Limits(Struct, frozen=True, kw_only=True):
    """The limits of one call; None is no limit.

    Attributes:
        seconds: Wall time of a call, the start of the process included.
        resident_bytes: Resident memory of the child and all processes it started, together.
        file_bytes: Size of any single file that the child or a process it started writes.
        answer_bytes: Length of its answer as JSON.
    """

    seconds: float | None = None
    resident_bytes: int | None = None
    file_bytes: int | None = None
    answer_bytes: int = MAX_ANSWER_BYTES


NO_LIMITS = Limits()


async def run_child(
    target: str,
    request: Struct,
    result: type[R],
    *,
    limits: Limits = NO_LIMITS,
    on_progress: OnProgress | None = None,
) -> R:
    """Run a function once in its own child process; see `Child.call` for its errors.

    Args:
        target: Function as `package.module:function`; `function(request, report)` runs in the child.
        request: Argument of the function, a Struct of the type with which its first parameter is annotated.
        result: Type of the function's result.
        limits: Limits of the call.
        on_progress: Callback for each percentage that the function reports.
    """
    async with Child(target, limits) as child:
        answer = await child.call(request, result, on_progress=on_progress)
        await child.stop("finished")
        return answer


class Child:
    """A child process that answers calls, one at a time; it starts at the first call and again after it died.

    Args:
        target: Function as `package.module:function`.
        limits: Limits of each call.
    """

    def __init__(self, target: str, limits: Limits = NO_LIMITS) -> None:
        self._target = target
        self._limits = limits
        self._turn = asyncio.Lock()
        self._session: _Session | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def running(self) -> bool:
        """True while the process runs."""
        return self._session is not None and self._session.process.running

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while it does not run."""
        return self._session.process.pid if self._session is not None and self.running else None

    async def prepare(self) -> None:
        """Start the process and wait until it has imported the function; a call meanwhile waits too.

        Raises:
            OSError: if the process cannot be started.
            Transient: with `worker_crashed` if it ends first, `timed_out` if it takes longer than a call may.
        """
        async with self._turn:
            session = await self._ready_session()
            try:
                async with asyncio.timeout(self._limits.seconds):
                    await session.imported()
            except TimeoutError as error:
                await self.stop("timed_out")
                raise Transient(
                    ErrorCode.TIMED_OUT,
                    "The process for the work did not start in time; if this repeats, raise the stage's time limit, "
                    "which `clipmill config` lists.",
                ) from error
            except _LostError as error:
                await self.stop("crashed")
                raise Transient(ErrorCode.WORKER_CRASHED, _crash_sentence(session.process.returncode)) from error

    async def call(self, request: Struct, result: type[R], *, on_progress: OnProgress | None = None) -> R:
        """Run the function in the child and return its result.

        Cancelling the call kills the child's whole process group at once.

        Raises:
            Permanent: as raised by the function, or `too_large` if a file outgrew its limit.
            Transient: as raised by the function, or with `worker_crashed`, `timed_out`, `out_of_memory`,
                `out_of_space`.
        """
        async with self._turn:
            answer = await self._limited_call(request, on_progress)
        if isinstance(answer, Failed):
            raise _failure(answer)
        return msgspec.json.decode(answer.result, type=result)

    async def stop(self, reason: str = "stopped") -> None:
        """End the process if there is one.

        Args:
            reason: Reason, as the metric counts it.
        """
        session, self._session = self._session, None
        if session is not None:
            await session.end(reason)

    async def _limited_call(self, request: Struct, on_progress: OnProgress | None) -> Done | Failed:
        session: _Session | None = None
        try:
            async with asyncio.timeout(self._limits.seconds):
                session = await self._ready_session()
                return await session.exchange(request, on_progress)
        except TimeoutError as error:
            await self.stop("timed_out")
            sentence = (
                f"The work took longer than its limit of {self._limits.seconds:g} s; "
                "raise the stage's time limit, which `clipmill config` lists."
            )
            raise Transient(ErrorCode.TIMED_OUT, sentence) from error
        except _MemoryExceededError as error:
            await self.stop("out_of_memory")
            raise Transient(ErrorCode.OUT_OF_MEMORY, str(error)) from error
        except _LostError as error:
            try:
                if session is not None:
                    await session.await_exit("crashed")
            finally:
                await self.stop("crashed")
            status = session.process.returncode if session else None
            raise Transient(ErrorCode.WORKER_CRASHED, _crash_sentence(status)) from error
        except BaseException:  # cancelled, or an error in `on_progress`
            await self.stop("cancelled")
            raise

    async def _ready_session(self) -> "_Session":
        """Return the running process; start one if there is none."""
        if self._session is not None and not self.running:
            await self.stop("crashed")
        if self._session is None:
            self._session = await _Session.start(self._target, self._limits)
        return self._session


class _LostError(Exception):
    """The child ended without an answer."""


class _MemoryExceededError(Exception):
    """The child was ended because it used too much memory."""


class _Session:
    """One life of a child process."""

    def __init__(self, target: str, limits: Limits, process: OwnedProcess) -> None:
        self.process = process
        self._target = target
        self._limits = limits
        self._imported = False
        self._stderr = b""
        self._stderr_reader = asyncio.create_task(self._read_stderr())
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, target: str, limits: Limits) -> "_Session":
        command = [sys.executable, "-P", "-m", "clipmill.operations.child_main", target]
        if limits.file_bytes is not None:
            command.append(str(limits.file_bytes))
        pipe = asyncio.subprocess.PIPE
        process = await start_process(command, stdin=pipe, stdout=pipe, stderr=pipe, stream_limit=limits.answer_bytes)
        return cls(target, limits, process)

    async def imported(self) -> None:
        """Wait until the process has imported the function."""
        while not self._imported:
            await self._receive()

    async def exchange(self, request: Struct, on_progress: OnProgress | None) -> Done | Failed:
        """Send a request, pass on its progress and return the answer, under the memory limit."""
        limit = self._limits.resident_bytes
        watch = asyncio.create_task(self._watch_memory(limit)) if limit is not None else None
        try:
            await self._send(request)
            while True:
                answer = await self._receive()
                if isinstance(answer, Done | Failed):
                    return answer
                if isinstance(answer, Progress) and on_progress is not None:
                    on_progress(answer.percent)
        except _LostError as error:
            if watch is not None and watch.done():
                raise _MemoryExceededError(watch.result()) from error
            raise
        finally:
            if watch is not None:
                watch.cancel()

    async def await_exit(self, reason: str) -> None:
        """Wait a moment for a process that closed its output to end by itself, because its exit status says why."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._collect(reason))
        await asyncio.wait({self._ending}, timeout=EXIT_SECONDS)

    async def end(self, reason: str) -> None:
        """Kill the whole group and wait for its end, which a cancellation of this wait does not stop."""
        self.process.kill()
        if self._ending is None:
            self._ending = asyncio.create_task(self._collect(reason))
        await asyncio.shield(self._ending)

    async def _collect(self, reason: str) -> None:
        status = await self.process.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stderr_reader, STDERR_END_SECONDS)
        _exits.labels(target=self._target, reason=reason).inc()
        if reason == "crashed":
            _log.error("child_crashed", target=self._target, status=status, stderr=self.stderr_tail)
        else:
            _log.debug("child_ended", target=self._target, reason=reason, status=status)

    @property
    def stderr_tail(self) -> str:
        """Last output of the child and its children on standard error."""
        return self._stderr.decode(errors="replace")

    async def _send(self, request: Struct) -> None:
        stdin = self.process.stdin
        if stdin is None:
            raise _LostError
        try:
            stdin.write(msgspec.json.encode(request) + b"\n")
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _LostError from error

    async def _receive(self) -> Answer:
        stdout = self.process.stdout
        line = b"" if stdout is None else await stdout.readline()
        if not line.endswith(b"\n"):
            raise _LostError
        self._imported = True  # the first answer is `Ready`
        return _answers.decode(line)

    async def _read_stderr(self) -> None:
        stderr = self.process.stderr
        while stderr is not None and (chunk := await stderr.read(STDERR_TAIL_BYTES)):
            self._stderr = (self._stderr + chunk)[-STDERR_TAIL_BYTES:]

    async def _watch_memory(self, limit: int) -> str:
        """Wait until the group uses more than `limit` bytes, kill it and return a sentence about it."""
        while True:
            used = tree_resident_bytes(self.process.pid)
            if used > limit:
                self.process.kill()
                return (
                    f"The work needed {used >> 20} MiB of memory but may use {limit >> 20} MiB; "
                    "raise the stage's memory limit, which `clipmill config` lists."
                )
            await asyncio.sleep(MEMORY_POLL_SECONDS)


def tree_resident_bytes(leader: int) -> int:
    """Return the resident memory of a process, its group and its descendants in other groups, in bytes."""
    counted = set[int]()
    with suppress(psutil.Error):
        counted.update(child.pid for child in psutil.Process(leader).children(recursive=True))
    for pid in psutil.pids():
        with suppress(OSError):
            if os.getpgid(pid) == leader:
                counted.add(pid)
    total = 0
    for pid in counted:
        with suppress(psutil.Error):
            total += psutil.Process(pid).memory_info().rss
    return total


def _failure(answer: Failed) -> Permanent | Transient:
    code = ErrorCode(answer.code)
    if answer.permanent:
        return Permanent(code, answer.sentence)
    return Transient(code, answer.sentence, answer.retry_after)


def _crash_sentence(status: int | None) -> str:
    if status is not None and status < 0:
        if -status == signal.SIGKILL:
            return (
                "The system killed the process doing the work, most likely because memory ran out; "
                "add memory, or run fewer tasks at the same time."
            )
        how = f"was ended by signal {-status} ({signal.strsignal(-status)})"
    else:
        how = f"stopped with exit status {status}"
    return f"The process doing the work {how}; read its last output in the service's log."
