"""Functions that the children of test_child.py run."""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from msgspec import Struct

Report = Callable[[float], None]


class Request(Struct):
    path: str = ""
    number: int = 0


class Result(Struct):
    text: str
    pid: int


def double(request: Request, report: Report) -> Result:
    sys.stdout.write("this is no answer\n")
    for percent in (10.0, 50.0, 100.0):
        report(percent)
    return Result(text=str(request.number * 2), pid=os.getpid())


def long_answer(request: Request, report: Report) -> Result:
    return Result(text="ä" * request.number, pid=os.getpid())


def refuse(request: Request, report: Report) -> Result:
    raise Permanent(ErrorCode.UNREADABLE_MEDIA, "This is no video.")


def give_up_for_now(request: Request, report: Report) -> Result:
    raise Transient(ErrorCode.PROVIDER_FAILED, "Too many requests.", retry_after=7.5)


def crash(request: Request, report: Report) -> Result:
    if request.number:
        sys.stderr.write("last words\n")
        os.kill(os.getpid(), request.number)
    return Result(text="fine", pid=os.getpid())


def fail_unexpectedly(request: Request, report: Report) -> Result:
    raise LookupError("a programming error")


def fail_and_end_slowly(request: Request, report: Report) -> Result:
    """Hang up half a second before the end, like an interpreter that has closed its files but not yet its libraries."""
    atexit.register(time.sleep, 0.5)
    atexit.register(os.closerange, 3, os.sysconf("SC_OPEN_MAX"))
    raise LookupError("a programming error")


def end_early(request: Request, report: Report) -> Result:
    os._exit(request.number)


def hang_up(request: Request, report: Report) -> Result:
    """Close every pipe to the owner, and stay."""
    Path(request.path).write_text(str(os.getpid()))
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    threading.Event().wait()
    raise AssertionError("unreachable")


def leave_a_process(request: Request, report: Report) -> Result:
    """End while a process of another group holds standard error open."""
    left = subprocess.Popen(["sleep", "600"], start_new_session=True)
    Path(request.path).write_text(str(left.pid))
    os._exit(1)


def print_without_end(request: Request, report: Report) -> Result:
    sys.stderr.write("x" * request.number)
    return Result(text="fine", pid=os.getpid())


def fill_memory(request: Request, report: Report) -> Result:
    """Use memory in a grandchild, so that the whole group must be counted."""
    code = f"import time; block = b'x' * {request.number}; time.sleep(600)"
    subprocess.run([sys.executable, "-c", code], check=True)
    raise AssertionError("unreachable")


def fill_file(request: Request, report: Report) -> Result:
    Path(request.path).write_bytes(b"x" * request.number)
    return Result(text="fine", pid=os.getpid())


def hang(request: Request, report: Report) -> Result:
    """Wait forever together with a grandchild; both ignore polite signals."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as grandchild:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert grandchild.stdout is not None
        grandchild.stdout.readline()
        Path(request.path).write_text(f"{os.getpid()} {grandchild.pid}")
        report(1.0)
        threading.Event().wait()
    raise AssertionError("unreachable")
