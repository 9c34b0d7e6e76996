"""The answers to polls: one request to the bucket's leader serves all simultaneous polls of a job."""

import asyncio
from collections import OrderedDict
from functools import partial

import msgspec
from aiohttp import web
from clipmill.contracts.failures import Permanent
from clipmill.contracts.identifiers import JobId, parse_job_id
from clipmill.gateway.api.answers import as_json, job_not_found
from clipmill.gateway.projection.document import JobDocument, job_view, public_status
from clipmill.messaging.buckets import Bucket, Entry

CACHE_LIMIT = 1024
"""The most encoded answers that are kept: a poll that finds nothing new encodes nothing."""


class Statuses:
    """`GET /api/status/<job>` and `GET /api/jobs/<job>`.

    Args:
        documents: Bucket of job documents.
        answer_seconds: Longest wait for NATS before the answer is 503, in seconds.
    """

    def __init__(self, documents: Bucket[JobDocument], *, answer_seconds: float) -> None:
        self._documents = documents.within(answer_seconds)
        self._reading: dict[JobId, asyncio.Task[Entry[JobDocument]]] = {}
        self._encoded: OrderedDict[JobId, tuple[int, bytes]] = OrderedDict()

    async def status(self, request: web.Request) -> web.Response:
        """Return the public status, or 304 if the client has it already."""
        job = _job(request)
        entry = None if job is None else await self._read(job)
        if job is None or entry is None or entry.data is None:
            return job_not_found()
        headers = {"ETag": f'"{entry.revision}"', "Cache-Control": "no-cache"}
        if any(tag.value == str(entry.revision) for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=self._encode(job, entry.revision, entry.data), headers=headers, content_type="application/json"
        )

    async def job(self, request: web.Request) -> web.Response:
        """Return the detailed view."""
        document = await self.document(request.match_info["job"])
        return job_not_found() if document is None else as_json(job_view(document))

    async def document(self, job_id: str) -> JobDocument | None:
        """Return the document of a job, None if there is no such job.

        Raises:
            Transient: `unavailable`, NATS did not answer in time.
        """
        try:
            job = parse_job_id(job_id)
        except Permanent:
            return None
        return (await self._read(job)).value

    async def _read(self, job: JobId) -> Entry[JobDocument]:
        """Return the bucket's entry of a job. Reads of a job never overlap: a later one returns no older entry."""
        reading = self._reading.get(job)
        if reading is None:
            reading = asyncio.create_task(self._documents.get(job))
            self._reading[job] = reading
            reading.add_done_callback(partial(self._answered, job))
        return await asyncio.shield(reading)

    def forget(self, job: JobId) -> None:
        """Drop everything that was read of `job`, which was deleted."""
        self._reading.pop(job, None)
        self._encoded.pop(job, None)

    def _answered(self, job: JobId, reading: asyncio.Task[Entry[JobDocument]]) -> None:
        if self._reading.get(job) is reading:
            del self._reading[job]

    def _encode(self, job: JobId, revision: int, data: bytes) -> bytes:
        known = self._encoded.get(job)
        if known is not None and known[0] == revision:
            self._encoded.move_to_end(job)
            return known[1]
        body = msgspec.json.encode(public_status(self._documents.decode(data)))
        self._encoded[job] = revision, body
        while len(self._encoded) > CACHE_LIMIT:
            self._encoded.popitem(last=False)
        return body


def _job(request: web.Request) -> JobId | None:
    try:
        return parse_job_id(request.match_info["job"])
    except Permanent:
        return None
