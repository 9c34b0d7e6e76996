"""Supervision of programs: start together, restart after a death, stop in order, leave none behind."""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing

import aiohttp
from clipmill.cli.local.service_logs import parse_line
from clipmill.operations.processes import OwnedProcess, start_process
from msgspec import Struct

FIRST_PAUSE_SECONDS = 0.5
"""Pause before a dead program is started again, doubled at each further death."""

LONGEST_PAUSE_SECONDS = 30.0

STEADY_SECONDS = 60.0
"""Running time after which a program counts as healthy again: the pause after its next death is the first one."""

START_ATTEMPTS = 3
"""Number of deaths by a signal after which the whole start fails, counted before a program is first ready. A program
that exits by itself before that has said why (a wrong setting, a taken port), and is not started again."""

READY_POLL_SECONDS = 0.1
READY_TIMEOUT = aiohttp.ClientTimeout(total=2)

LINE_BYTES = 64 * 1024
"""Longest line of output; a longer line is cut into pieces."""

OUTPUT_TAIL_LINES = 15
"""Number of output lines that are shown when a program dies."""

OUTPUT_END_SECONDS = 1.0
"""Time for which the output of a dead program is still read, because processes that it started may hold it open."""


class Program(Struct, frozen=True, kw_only=True):
    """A program to keep running.

    Attributes:
        name: Name of the program and of its log.
        command: Program and its arguments.
        environ: Complete environment of the program.
        ready_url: Address that returns 200 when the program is ready.
        stop_seconds: Time that it may take to stop, in seconds.
    """

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    ready_url: str
    stop_seconds: float


class StartFailed(Exception):
    """A program cannot be started; the message names it and quotes its last output."""


class ProgramSupervisor:
    """Keeps one program running.

    Args:
        program: Program to run.
        on_line: Callback for (name, line) of each line of its output.
        on_event: Callback for a sentence when it dies and is started again.
    """

    def __init__(
        self, program: Program, *, on_line: Callable[[str, str], None], on_event: Callable[[str], None]
    ) -> None:
        self.program = program
        self._on_line = on_line
        self._on_event = on_event
        self._output_tail: deque[str] = deque(maxlen=OUTPUT_TAIL_LINES)
        self._process: OwnedProcess | None = None
        self._stopping = asyncio.Event()
        self._ready = False
        self._fatal: str | None = None
        self._deaths = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running program, None between two runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the program; `ready` waits for it."""
        self._task = asyncio.create_task(self._keep_running(), name=f"supervisor of {self.program.name}")

    async def ready(self, patience: float) -> None:
        """Wait until the program is ready.

        Args:
            patience: Seconds to wait.

        Raises:
            StartFailed: if it cannot be started or is not ready in time.
        """
        deadline = time.monotonic() + patience
        async with aiohttp.ClientSession(timeout=READY_TIMEOUT) as session:
            while not await self._says_ready(session):
                if self._fatal is not None:
                    raise StartFailed(self._fatal)
                if time.monotonic() > deadline:
                    sentence = f"{self.program.name} is not ready after {patience:.0f} s; read its log."
                    raise StartFailed(sentence + self._shown_tail())
                await asyncio.sleep(READY_POLL_SECONDS)
        self._ready = True

    async def stop(self) -> None:
        """Ask the program to stop, and kill it after `stop_seconds`."""
        self._stopping.set()
        if self._task is None:
            return
        if self._process is not None:
            self._process.terminate()
        _, late = await asyncio.wait({self._task}, timeout=self.program.stop_seconds)
        if late:
            self._on_event(f"{self.program.name} did not stop within {self.program.stop_seconds:.0f} s and is killed.")
            self.kill()
        await self._task

    def kill(self) -> None:
        """Kill the program and do not start it again."""
        self._stopping.set()
        if self._process is not None:
            self._process.kill()

    async def _says_ready(self, session: aiohttp.ClientSession) -> bool:
        if self._process is None:
            return False
        try:
            async with session.get(self.program.ready_url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                status = await self._run()
                died = f"{self.program.name} {_ending(status)}."
            except OSError as error:  # no process or descriptor left; it may pass, or it ends the start
                status = -1
                died = f"{self.program.name} cannot be started: {error.strerror}."
            if self._stopping.is_set():
                return
            if time.monotonic() - began >= STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._deaths += 1
            if not self._ready and (status >= 0 or self._deaths >= START_ATTEMPTS):
                self._fatal = f"{died}{self._shown_tail()}"
                return
            # A signal comes from outside, but a program that exits by itself has usually said why.
            self._on_event(f"{died} Starting it again in {pause:g} s.{self._shown_tail() if status > 0 else ''}")
            await self._sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run(self) -> int:
        """Run the program once and return its exit status."""
        self._output_tail.clear()
        # Not a pipe of asyncio: `wait` would then last until every process that the program started has closed it.
        read_end, write_end = os.pipe()
        try:
            process = await start_process(
                self.program.command, stdout=write_end, stderr=write_end, environ=self.program.environ
            )
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        self._process = process
        reading = asyncio.create_task(self._read(read_end))
        try:
            if self._stopping.is_set():
                process.terminate()
            status = await process.wait()
            await asyncio.wait({reading}, timeout=OUTPUT_END_SECONDS)
        finally:
            self._process = None
            process.kill()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return status

    async def _read(self, read_end: int) -> None:
        async with aclosing(_lines(read_end)) as lines:
            async for line in lines:
                self._output_tail.append(line)
                self._on_line(self.program.name, line)

    async def _sleep(self, seconds: float) -> None:
        """Sleep until the time is over or the program is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _shown_tail(self) -> str:
        return "".join(f"\n    {parse_line(line).text}" for line in self._output_tail)


class Supervisor:
    """Keeps several programs running; later programs may depend on earlier ones.

    Args:
        on_line: Callback for (name, line) of each line of a program's output.
        on_event: Callback for a sentence when a program dies and is started again.
    """

    def __init__(self, *, on_line: Callable[[str, str], None], on_event: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._on_event = on_event
        self._ranks: list[list[ProgramSupervisor]] = []

    async def start(self, programs: list[Program], *, patience: float) -> None:
        """Start `programs` side by side and wait until all are ready.

        Args:
            programs: Programs to run; all earlier programs are ready.
            patience: Seconds to wait.

        Raises:
            StartFailed: if one of them cannot be started. All keep running until `stop`.
        """
        members = [ProgramSupervisor(program, on_line=self._on_line, on_event=self._on_event) for program in programs]
        self._ranks.append(members)
        for member in members:
            member.start()
        await together(*(member.ready(patience) for member in members))

    async def stop(self) -> None:
        """Stop all programs, the last started first."""
        while self._ranks:
            await asyncio.gather(*(member.stop() for member in self._ranks.pop()))

    def kill(self) -> None:
        """Kill all programs, the last started first; `stop` must still be awaited."""
        for member in reversed(self.members):
            member.kill()

    @property
    def members(self) -> list[ProgramSupervisor]:
        """Supervisors of all programs, in the order of their start."""
        return [member for rank in self._ranks for member in rank]


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs `module` with the Python of this process."""
    return (sys.executable, "-m", module, *arguments)


async def together(*works: Coroutine[None, None, None]) -> None:
    """Run all `works` side by side; the first failure cancels the others and is raised itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures.exceptions[0].__cause__


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


async def _lines(read_end: int) -> AsyncGenerator[str, None]:
    """Yield the lines from the pipe `read_end`, cut lines that are too long, and close the pipe at the end."""
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb")
    )
    try:
        rest = b""
        while data := await stream.read(LINE_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield _text(line)
            if len(rest) > LINE_BYTES:
                yield _text(rest)
                rest = b""
        if rest:
            yield _text(rest)
    finally:
        transport.close()


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip()
