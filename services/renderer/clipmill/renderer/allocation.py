"""Settings of the C library for the memory of freed pictures.

Pictures of a few megabytes come and go hundreds of times a second, in several threads. By default, glibc returns
their memory to the system and requests it again each time; for a clip of 1080p that caused 190,000 page faults instead
of 60,000, and took 5 % of its time. See mallopt(3).
"""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8

KEPT_BYTES = 256 * 2**20
"""Free memory at the heap's end that is kept: more than all pictures that exist at a time at 4K."""

LARGEST_BYTES = 32 * 2**20
"""Largest block that comes from the heap: glibc's limit. A picture of 4K takes 12 MB."""


def keep_freed_memory() -> None:
    """Make this process keep freed memory for the next pictures; C libraries other than glibc are left alone."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES)
