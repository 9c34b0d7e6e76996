"""The speed at which three gateways with a lease fold events, against a bare loop that folds the same events.

The bench holds the lease while the bare loop works, so the gateways wait; then it releases the lease. Speeds are taken
from the end of the first batch to the end of the last, so that the takeover is no part of them.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from clipmill.contracts import codec
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.projection import StoredEvent, read_events
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.topology import CHECKPOINT, EVENTS, LEASE, LEASE_SECONDS
from figures import Figure
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import KeyValueConfig, StorageType
from nats.js.kv import KeyValue

from messaging.servers import Bench, Service, gateways
from messaging.stories import StoryEvent, publish_stories

REPLICAS = 3
ROUNDS = 5
JOBS = 150
JOBS_AT_ONCE = 50
"""Number of jobs at the same time, each with events in most batches."""

BARE_BUCKET = "bench_jobs"
PATIENCE = 120.0
LEASE_KEY = "projector"
HOLDER = b"bench"
IDLE_METRIC = "clipmill_projection_active 0.0"


async def projecting(bench: Bench) -> list[Figure]:
    """Fold the same events by a bare loop and by gateways, in turn, and compare events a second."""
    count, rounds, jobs = (1, 1, 20) if bench.quick else (REPLICAS, ROUNDS, JOBS)
    js = bench.nc.jetstream(timeout=10)
    await js.create_key_value(KeyValueConfig(bucket=BARE_BUCKET, history=1, storage=StorageType.FILE, direct=False))
    publisher = Publisher(bench.nc)

    async def publish(event: StoryEvent) -> None:
        await publisher.event(event.event)

    bare: list[float] = []
    ours: list[float] = []
    async with gateways(bench, count) as replicas:
        for turn in range(rounds):
            first = (await js.stream_info(EVENTS)).state.last_seq + 1
            async with checkpoints(bench.nc) as heard:
                async with lease_held(bench.nc, replicas):
                    last = first - 1 + await publish_stories(jobs, JOBS_AT_ONCE, publish)
                    if turn % 2 == 0:
                        bare.append(await _bare_speed(bench.nc, first, last))
                ours.append(await _gateways_speed(heard, last))
            if turn % 2:
                async with lease_held(bench.nc, replicas):
                    bare.append(await _bare_speed(bench.nc, first, last))
    await js.delete_key_value(BARE_BUCKET)
    share = statistics.median(ours_here / bare_here for ours_here, bare_here in zip(ours, bare, strict=True))
    return [
        Figure("bare projector loop, median of rounds", f"{statistics.median(bare):,.0f} events/s ({_list(bare)})"),
        Figure(f"{count} gateways, median of rounds", f"{statistics.median(ours):,.0f} events/s ({_list(ours)})"),
        Figure(
            f"{count} gateways to bare projector loop, median of rounds", f"{share:.2f} ×", "≥ 0.55 ×", share >= 0.55
        ),
    ]


def _list(speeds: Sequence[float]) -> str:
    return ", ".join(f"{speed:,.0f}" for speed in speeds)


@asynccontextmanager
async def lease_held(nc: Client, replicas: Sequence[Service]) -> AsyncIterator[None]:
    """Hold the projector's lease ourselves, so that no gateway projects while the context lasts."""
    bucket = await nc.jetstream().key_value(LEASE.name)

    async def hold() -> None:
        while True:
            await bucket.put(LEASE_KEY, HOLDER)
            await asyncio.sleep(LEASE_SECONDS / 4)

    holding = asyncio.create_task(hold())
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            for replica in replicas:
                while not await _idle(session, replica):
                    await asyncio.sleep(0.05)
        yield
    finally:
        holding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await holding
        await bucket.delete(LEASE_KEY)


async def _idle(session: aiohttp.ClientSession, replica: Service) -> bool:
    async with session.get(f"{replica.url}/metrics") as answer:
        return IDLE_METRIC in await answer.text()


@asynccontextmanager
async def checkpoints(nc: Client) -> AsyncIterator[asyncio.Queue[tuple[float, int]]]:
    """Note each checkpoint that a gateway writes from now on; a slow disk may cost the bench its lease."""
    heard: asyncio.Queue[tuple[float, int]] = asyncio.Queue()

    async def checkpoint(message: Msg) -> None:
        heard.put_nowait((time.monotonic(), int(message.data)))

    subscription = await nc.subscribe(f"$KV.{CHECKPOINT.name}.>", cb=checkpoint)
    await nc.flush()
    try:
        yield heard
    finally:
        await subscription.unsubscribe()


async def _gateways_speed(heard: asyncio.Queue[tuple[float, int]], last: int) -> float:
    """Return events a second from the first checkpoint to the one at `last`."""
    positions = []
    async with asyncio.timeout(PATIENCE):
        while not positions or positions[-1][1] < last:
            positions.append(await heard.get())
    return _speed(positions)


def _speed(positions: Sequence[tuple[float, int]]) -> float:
    """Return positions a second between the first and the last pair of time and position."""
    (begun, first), (ended, last) = positions[0], positions[-1]
    return (last - first) / (ended - begun)


async def _bare_speed(nc: Client, first: int, last: int) -> float:
    """Read, fold and compare-and-set the events from `first` to `last`; return events a second."""
    bucket = await nc.jetstream().key_value(BARE_BUCKET)
    documents: dict[str, tuple[int, JobDocument]] = {}
    done: list[tuple[float, int]] = []
    async with contextlib.aclosing(read_events(nc, first - 1)) as batches:
        async for batch in batches:
            by_job: dict[str, list[StoredEvent]] = {}
            for event in batch:
                by_job.setdefault(event.job, []).append(event)
            await asyncio.gather(*(_bare_fold(bucket, documents, job, events) for job, events in by_job.items()))
            done.append((time.monotonic(), batch[-1].sequence))
            if batch[-1].sequence >= last:
                return _speed(done)
    raise AssertionError("the reader never ends")


async def _bare_fold(
    bucket: KeyValue, documents: dict[str, tuple[int, JobDocument]], job: str, events: Sequence[StoredEvent]
) -> None:
    revision, document = documents.get(job, (0, None))
    for stored in events:
        event = codec.decode_event(stored.data)
        if document is None:
            document = fold.begin(stored.sequence, event)
        else:
            fold.fold(document, stored.sequence, event)
    assert document is not None
    documents[job] = await bucket.update(job, msgspec.json.encode(document), last=revision), document
