"""The memory that threads free goes back to the system."""

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the C library is not glibc"),
]

COUNT_POOLS = """
import ctypes, sys, threading
from clipmill.transcriber.models.allocation import share_pools

if sys.argv[2] == "shared":
    share_pools()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(12)

def work():
    libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""

FREE = """
from pathlib import Path
from clipmill.transcriber.models.allocation import return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [bytes(64 * 1024) for _ in range(2000)]
last = blocks[-1]
del blocks
before = resident()
return_freed_memory()
print(before - resident())
"""


def run(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True).stdout


def test_threads_share_two_pools(tmp_path):
    pools = {}
    for way in ("shared", "default"):
        run(COUNT_POOLS, str(tmp_path / way), way)
        pools[way] = (tmp_path / way).read_text().count("<heap nr=")
    assert pools["shared"] == 2 < pools["default"]


def test_freed_memory_goes_back_although_the_last_block_is_in_use():
    assert int(run(FREE)) > 60_000_000
