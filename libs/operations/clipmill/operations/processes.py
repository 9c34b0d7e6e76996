"""Processes that never outlive their owner: each leads a process group held by a lifeline."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from clipmill.operations import lifeline

DEFAULT_STREAM_LIMIT = 64 * 1024
"""Longest line that a stream's `readline` returns, bytes."""


class OwnedProcess:
    """A running program, leader of a process group of its own that dies with us, kill -9 included."""

    def __init__(self, process: Process, lifeline_end: int) -> None:
        self._process = process
        self._lifeline_end = lifeline_end

    @property
    def pid(self) -> int:
        """The program's process id, also that of its group and session."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal, None while it runs."""
        return self._process.returncode

    @property
    def running(self) -> bool:
        """Whether the program is there this very moment, even if the event loop has not heard of its end yet."""
        if self._process.returncode is not None:
            return False
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        """Its standard input, if asked for as a pipe."""
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Its standard output, if asked for as a pipe."""
        return self._process.stdout

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        """Its standard error, if asked for as a pipe."""
        return self._process.stderr

    async def wait(self) -> int:
        """Wait until the program has exited, end what is left of its group, and return its exit status."""
        status = await self._process.wait()
        self.kill()
        await asyncio.to_thread(_reap, self.pid)
        if self._lifeline_end >= 0:
            os.close(self._lifeline_end)
            self._lifeline_end = -1
        return status

    def terminate(self) -> None:
        """Ask the program, not its children, to end (SIGTERM)."""
        if self._process.returncode is None:
            # Not asyncio's send_signal: it polls first, which may take the exit status away from asyncio's own watcher.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the whole group at once (SIGKILL)."""
        # The watcher is in the group until its last moment, so the group's id cannot have been given to another.
        if self._lifeline_end >= 0:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


async def start_process(
    program: Sequence[str | Path],
    *,
    stdin: int | None = asyncio.subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stream_limit: int = DEFAULT_STREAM_LIMIT,
) -> OwnedProcess:
    """Start a program that dies with this process.

    Args:
        program: the program and its arguments.
        stdin: as asyncio's; nothing by default.
        stdout: as asyncio's; ours by default.
        stderr: likewise.
        environ: its environment; ours by default.
        directory: where it runs; where we do by default.
        stream_limit: longest line to be read from its pipes, bytes.

    Raises:
        OSError: if this process cannot start another. A program that does not exist ends with exit status 1.
    """
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", lifeline.__file__, str(read_end), "--", *program),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environ,
            cwd=directory,
            pass_fds=(read_end,),
            start_new_session=True,
            limit=stream_limit,
        )
    except BaseException:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    return OwnedProcess(process, write_end)


def _reap(group: int) -> None:
    """Collect the group's dead where they are ours: as PID 1 of a container we inherit orphans."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)
