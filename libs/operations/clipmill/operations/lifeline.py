"""Runs a program whose whole process group dies with the owner of a pipe: `lifeline.py <fd> -- program arguments…`.

The owner starts this in a new session, passes it the read end of a pipe and keeps the write end. A watcher process in
the program's group blocks on the read end. When the owner dies, even by SIGKILL, the kernel closes the write end and
the watcher kills the group. This works on every Unix; a parent-death signal exists only on Linux and does not reach
grandchildren. This file imports only small modules of the standard library, so the watcher stays tiny.
"""

import os
import signal
import sys


def main(arguments: list[str]) -> None:
    """Start the watcher and become the program.

    Args:
        arguments: Descriptor of the pipe, `--`, the program and its arguments.
    """
    pipe = int(arguments[0])
    program = arguments[2:]
    if os.fork() == 0:
        _watch(pipe)
    os.close(pipe)
    os.execvp(program[0], program)  # noqa: S606  # a list of arguments, no shell


def _watch(pipe: int) -> None:
    """Wait for the owner's end, then kill the group with this process in it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The program's pipes must end when the program ends, so the watcher holds none of them open.
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))
    while os.read(pipe, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
