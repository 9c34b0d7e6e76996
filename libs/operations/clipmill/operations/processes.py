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
"""Longest line that a stream's `readline` returns, in bytes."""


class OwnedProcess:
    """A running program that leads its own process group, which dies with this process, even by SIGKILL."""

    def __init__(self, process: Process, lifeline_end: int) -> None:
        self._process = process
        self._lifeline_end = lifeline_end

    @property
    def pid(self) -> int:
        """Process id of the program, also the id of its group and session."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status of the program, negative for a signal, None while it runs."""
        return self._process.returncode

    @property
    def running(self) -> bool:
        """True while the program runs, even if the event loop does not know of its end yet."""
        if self._process.returncode is not None:
            return False
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        """Standard input of the program, if it is a pipe."""
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """Standard output of the program, if it is a pipe."""
        return self._process.stdout

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        """Standard error of the program, if it is a pipe."""
        return self._process.stderr

    async def wait(self) -> int:
        """Wait until the program has exited, kill the rest of its group, and return the exit status."""
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
        program: Program and its arguments.
        stdin: Standard input as in asyncio; empty by default.
        stdout: Standard output as in asyncio; this process's by default.
        stderr: Standard error as in asyncio; this process's by default.
        environ: Environment of the program; this process's by default.
        directory: Working directory of the program; this process's by default.
        stream_limit: Longest line that can be read from its pipes, in bytes.

    Raises:
        OSError: if no process can be started. A program that does not exist ends with exit status 1.
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
    """Collect the dead processes of the group that are ours: as PID 1 of a container this process inherits orphans."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)
