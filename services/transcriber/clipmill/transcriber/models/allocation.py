"""Settings of the C library for the memory that the threads of a model process free.

By default, glibc gives threads up to eight pools a processor, and each pool keeps what its largest user had. See
mallopt(3) and malloc_trim(3).
"""

import ctypes

M_ARENA_MAX = -8

POOLS = 2
"""Pools of all threads: a transcription of talk.mp4 by base peaks at 689 MB with glibc's default and at 516 MB with two
pools, in the same time."""


def share_pools() -> None:
    """Make the threads of this process share `POOLS` pools; C libraries other than glibc are left alone."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, POOLS)


def return_freed_memory() -> None:
    """Give freed memory back to the system: of 372 MB after a transcription of talk.mp4 by base, 256 MB stay."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
