"""A fold of all events from the first, compared with the documents that the projectors wrote during the faults."""

import asyncio
import os
import sys
from contextlib import aclosing

import msgspec
from clipmill.contracts import codec
from clipmill.contracts.subjects import ALL_EVENTS
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.connection import retry_until
from clipmill.messaging.projection import read_events
from clipmill.messaging.topology import EVENTS
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from campaign import remains


async def differences(nc: Client) -> list[str]:
    """Return where the bucket of jobs differs, by any byte, from a fold of the whole stream."""
    stored = await remains.values(nc)
    folded = {job: msgspec.json.encode(document) for job, document in (await _refolded(nc)).items()}
    return [
        f"{job} is stored as {stored.get(job)!r} and folded as {folded.get(job)!r}"
        for job in sorted(stored.keys() | folded.keys())
        if stored.get(job) != folded.get(job)
    ]


async def refused_by_rebuild(nats_url: str) -> list[str]:
    """Return the differences that the operator's command finds in the bucket."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clipmill.gateway", "rebuild", "--check"),
        env={**os.environ, "CLIPMILL_NATS_URL": nats_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return [f"rebuild --check ends with {process.returncode}: {output.decode()}"] if process.returncode else []


async def _refolded(nc: Client) -> dict[str, JobDocument]:
    js = nc.jetstream(timeout=5)
    try:
        last = (await retry_until(lambda: js.get_last_msg(EVENTS, ALL_EVENTS))).seq or 0
    except NotFoundError:
        return {}
    documents: dict[str, JobDocument] = {}
    async with aclosing(read_events(nc, 0)) as batches:
        async for batch in batches:
            for stored in batch:
                event = codec.decode_event(stored.data)
                if stored.job in documents:
                    fold.fold(documents[stored.job], stored.sequence, event)
                elif begun := fold.begin(stored.sequence, event):
                    documents[stored.job] = begun
            if batch[-1].sequence >= last:
                break
    return documents
