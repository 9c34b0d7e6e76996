"""Suspends servers, which then neither receive nor send, and lets them go on."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil


@contextlib.contextmanager
def suspended(nats_server):
    """Suspend the servers, and enter the context once none of their threads runs.

    A signal stops a process some time after it was sent. Until then, a thread may still answer a request.
    """
    processes = [node.pid for node in getattr(nats_server, "nodes", [nats_server]) if node.alive]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        while any(map(_runs, processes)):
            time.sleep(0.001)
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def _runs(process):
    threads = list(Path(f"/proc/{process}/task").glob("*"))  # only Linux shows them
    if threads:
        return any(_state(thread) != "T" for thread in threads)
    return psutil.Process(process).status() != psutil.STATUS_STOPPED


def _state(thread):
    """Return the state of a thread, `T` also if it has ended.

    The thread's name, which may have blanks, is in parentheses before the state.
    """
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "T"
