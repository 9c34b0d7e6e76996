"""How long an event that is stored takes to show in `GET /api/status`, three gateways running at 500 events/s.

Some of the events that bring a log line are followed: from the acknowledgement of their publishing, a client polls one
of the gateways with `If-None-Match`, as `clipmill submit` does only more often, until the line is there.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

import aiohttp
import msgspec
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.status import PublicStatus
from clipmill.messaging.publisher import Publisher
from figures import Figure, milliseconds, quantile
from servers import Bench, Service, gateways
from stories import Told, story

REPLICAS = 3
EVENTS_A_SECOND = 500
SECONDS = 20.0
JOBS_AT_ONCE = 50
FOLLOWED = 0.15
"""Of the events that bring a line: about 20 a second, whose polls are a small load beside the events."""

POLL_SECONDS = 0.004
PATIENCE = 10.0
LIMIT = 0.3


class Follower:
    """Polls for events that were stored, and keeps how long each took to be seen."""

    def __init__(self, session: aiohttp.ClientSession, replicas: Sequence[Service]) -> None:
        self.times: list[float] = []
        self.polls = 0
        self._session = session
        self._replicas = itertools.cycle(replicas)
        self._following: set[asyncio.Task[None]] = set()

    def follow(self, told: Told, stored: float) -> None:
        """Poll until `told` is seen, which was stored at `stored` of the monotonic clock."""
        following = asyncio.create_task(self._poll(told, stored))
        self._following.add(following)

    async def finish(self) -> None:
        """Wait until everything followed was seen.

        Raises:
            TimeoutError: if something was not.
        """
        await asyncio.gather(*self._following)

    async def _poll(self, told: Told, stored: float) -> None:
        url = f"{next(self._replicas).url}/api/status/{told.event.job}"
        headers: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while True:
                self.polls += 1
                async with self._session.get(url, headers=headers) as answer:
                    body = await answer.read()
                if answer.status == 200:
                    if len(msgspec.json.decode(body, type=PublicStatus).logs) >= told.lines:
                        self.times.append(time.monotonic() - stored)
                        return
                    headers["If-None-Match"] = answer.headers["ETag"]
                await asyncio.sleep(POLL_SECONDS)


async def visibility(bench: Bench) -> list[Figure]:
    """Publish at a steady pace and follow some of the events until clients see them."""
    seconds = 2.0 if bench.quick else SECONDS
    async with gateways(bench, REPLICAS) as replicas, aiohttp.ClientSession() as session:
        await _pace(bench, Follower(session, replicas), 1.0)  # connections, caches
        follower = Follower(session, replicas)
        begun = time.monotonic()
        events = await _pace(bench, follower, seconds)
        pace = events / (time.monotonic() - begun)
        await follower.finish()
    p50, p99 = (quantile(follower.times, share) for share in (0.5, 0.99))
    what = f"event stored until seen in GET /api/status at {pace:.0f} events/s"
    return [
        Figure(f"{what}, p50", f"{milliseconds(p50)} ({len(follower.times)} followed by {follower.polls} polls)"),
        Figure(f"{what}, p99", milliseconds(p99), f"≤ {LIMIT * 1000:.0f} ms", p99 <= LIMIT),
    ]


async def _pace(bench: Bench, follower: Follower, seconds: float) -> int:
    """Publish `EVENTS_A_SECOND` for `seconds`, every job's events evenly spaced; returns how many there were."""
    publisher = Publisher(bench.nc)
    chance = random.Random(2)
    begun = time.monotonic()
    interval = JOBS_AT_ONCE / EVENTS_A_SECOND
    each = round(seconds / interval)

    async def play(number: int) -> None:
        events = itertools.chain.from_iterable(story(new_job_id()) for _ in itertools.count())
        for turn, told in enumerate(itertools.islice(events, each)):
            at = begun + (turn + number / JOBS_AT_ONCE) * interval
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            await publisher.event(told.event)
            if told.told and chance.random() < FOLLOWED:
                follower.follow(told, time.monotonic())

    await asyncio.gather(*(play(number) for number in range(JOBS_AT_ONCE)))
    return each * JOBS_AT_ONCE
