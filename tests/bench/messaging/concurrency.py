"""Many calls of a coroutine, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable

AT_ONCE = 64
"""Number of publishers that keep the server busy: each waits until its write is synced."""


async def each_of(count: int, one: Callable[[], Awaitable[None]], at_once: int = AT_ONCE) -> None:
    """Call `one` `count` times, `at_once` at a time."""
    left = iter(range(count))

    async def some() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(some() for _ in range(at_once)))
