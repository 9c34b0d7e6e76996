"""The time until a stored event shows in `GET /api/status`, with three gateways at 500 events/s.

The bench follows some of the events that bring a log line. From the acknowledgement of the publishing, a client polls
one of the gateways with `If-None-Match`, like `clipmill submit` but more often, until the line is there.
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
from nats.aio.client import Client

from messaging.servers import Bench, Service, gateways
from messaging.stories import StoryEvent, story

REPLICAS = 3
EVENTS_A_SECOND = 500
SECONDS = 20.0
JOBS_AT_ONCE = 50
FOLLOWED = 0.15
"""Share of the events with a log line that are followed: about 20 a second, whose polls are a small load."""

POLL_SECONDS = 0.004
PATIENCE = 10.0
LIMIT = 0.3


class Follower:
    """A poller of stored events that notes how long each took to show."""

    def __init__(self, session: aiohttp.ClientSession, replicas: Sequence[Service]) -> None:
        self.times: list[float] = []
        self.polls = 0
        self._session = session
        self._replicas = itertools.cycle(replicas)
        self._following: set[asyncio.Task[None]] = set()

    def follow(self, event: StoryEvent, stored: float) -> None:
        """Poll until `event` is seen, which was stored at `stored` of the monotonic clock."""
        following = asyncio.create_task(self._poll(event, stored))
        self._following.add(following)

    async def finish(self) -> None:
        """Wait until every followed event was seen.

        Raises:
            TimeoutError: If an event was not seen.
        """
        await asyncio.gather(*self._following)

    async def _poll(self, event: StoryEvent, stored: float) -> None:
        url = f"{next(self._replicas).url}/api/status/{event.event.job}"
        headers: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while True:
                self.polls += 1
                async with self._session.get(url, headers=headers) as answer:
                    body = await answer.read()
                if answer.status == 200:
                    if len(msgspec.json.decode(body, type=PublicStatus).logs) >= event.lines:
                        self.times.append(time.monotonic() - stored)
                        return
                    headers["If-None-Match"] = answer.headers["ETag"]
                await asyncio.sleep(POLL_SECONDS)


async def visibility(bench: Bench) -> list[Figure]:
    """Publish at a steady pace and follow some of the events until clients see them."""
    count, jobs, seconds = (1, 10, 1.0) if bench.quick else (REPLICAS, JOBS_AT_ONCE, SECONDS)
    async with gateways(bench, count) as replicas, aiohttp.ClientSession() as session:
        follower = Follower(session, replicas)
        paced = await Pace(bench.nc, follower, jobs).run(seconds)
        await follower.finish()
    p50, p99 = (quantile(follower.times, share) for share in (0.5, 0.99))
    stored = ", ".join(milliseconds(quantile(paced.storing, share)) for share in (0.5, 0.99))
    what = f"event stored until seen in GET /api/status at {len(paced.storing) / seconds:.0f} events/s"
    return [
        Figure("publishing of an event until it is acknowledged, p50 and p99", stored),
        Figure(f"{what}, p50", f"{milliseconds(p50)} ({len(follower.times)} followed by {follower.polls} polls)"),
        Figure(f"{what}, p99", milliseconds(p99), f"≤ {LIMIT * 1000:.0f} ms", p99 <= LIMIT),
    ]


class Pace:
    """A publisher of the stories of many jobs, each at another place in its story, at `EVENTS_A_SECOND`.

    Attributes:
        storing: Seconds that each publishing took since the pace was reached.
    """

    def __init__(self, nc: Client, follower: Follower, jobs: int) -> None:
        self.storing: list[float] = []
        self._publisher = Publisher(nc)
        self._follower = follower
        self._jobs = jobs
        self._chance = random.Random(2)

    async def run(self, seconds: float) -> "Pace":
        """Reach the pace within the length of one story, then keep it for `seconds`."""
        interval = self._jobs / EVENTS_A_SECOND
        ramp = len(story(new_job_id())) * interval
        begun = time.monotonic()
        await asyncio.gather(
            *(
                self._play(begun + ramp * number / self._jobs, interval, begun + ramp, begun + ramp + seconds)
                for number in range(self._jobs)
            )
        )
        return self

    async def _play(self, begin: float, interval: float, steady: float, end: float) -> None:
        """Publish one job's story after another from `begin` to `end`, an event every `interval` seconds."""
        events = itertools.chain.from_iterable(story(new_job_id()) for _ in itertools.count())
        for turn, event in enumerate(events):
            due = begin + turn * interval
            if due >= end:
                return
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            before = time.monotonic()
            await self._publisher.event(event.event)
            stored = time.monotonic()
            if due < steady:
                continue
            self.storing.append(stored - before)
            if event.adds_line and self._chance.random() < FOLLOWED:
                self._follower.follow(event, stored)
