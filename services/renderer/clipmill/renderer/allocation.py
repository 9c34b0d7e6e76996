"""How the C library keeps memory that pictures have left.

Pictures of a few megabytes come and go hundreds of times a second, in several threads. Left alone, glibc gives their
memory back to the system and takes it anew each time; for a clip of 1080p that was 190,000 page faults instead of
60,000, and 5 % of its time. See mallopt(3).
"""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8

KEPT_BYTES = 256 * 2**20
"""Free memory at the heap's end that is kept: more than all pictures that are on their way at 4K."""

LARGEST_BYTES = 32 * 2**20
"""The largest block that comes from the heap, which is glibc's own limit; a picture of 4K takes 12 MB."""


def keep_freed_memory() -> None:
    """Have this process keep freed memory for the next pictures; other C libraries than glibc are left alone."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES)
