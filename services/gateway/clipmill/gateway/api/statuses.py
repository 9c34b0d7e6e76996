"""Answering polls: the bucket's leader is asked, once for all who ask about a job at the same time."""

import asyncio
import time
from collections import OrderedDict
from functools import partial

import msgspec
from aiohttp import web
from clipmill.contracts.failures import Permanent
from clipmill.contracts.identifiers import JobId, parse_job_id
from clipmill.gateway.api.answers import as_json, job_not_found
from clipmill.gateway.projection.document import JobDocument, job_view, public_status
from clipmill.messaging.connection import insist
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

CACHE_LIMIT = 1024
"""Encoded answers kept, so that a poll that finds nothing new encodes nothing."""

_documents = msgspec.json.Decoder(JobDocument)


class Statuses:
    """`GET /api/status/<job>` and `GET /api/jobs/<job>`.

    Args:
        jobs: the bucket of job documents.
        answer_seconds: how long NATS may take before the answer is 503.
    """

    def __init__(self, jobs: KeyValue, *, answer_seconds: float) -> None:
        self._jobs = jobs
        self._answer_seconds = answer_seconds
        self._reading: dict[JobId, asyncio.Task[tuple[int, bytes] | None]] = {}
        self._encoded: OrderedDict[JobId, tuple[int, bytes]] = OrderedDict()

    async def status(self, request: web.Request) -> web.Response:
        """Answer the contract's status, or 304 when the client has it already."""
        job = _job(request)
        found = None if job is None else await self._read(job)
        if job is None or found is None:
            return job_not_found()
        revision, value = found
        headers = {"ETag": f'"{revision}"', "Cache-Control": "no-cache"}
        if any(tag.value == str(revision) for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self._encode(job, revision, value), headers=headers, content_type="application/json")

    async def job(self, request: web.Request) -> web.Response:
        """Answer the rich view."""
        document = await self.document(request.match_info["job"])
        return job_not_found() if document is None else as_json(job_view(document))

    async def document(self, job_id: str) -> JobDocument | None:
        """Return the document of a job, None if there is no such job.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time.
        """
        try:
            found = await self._read(parse_job_id(job_id))
        except Permanent:
            return None
        return None if found is None else _documents.decode(found[1])

    async def _read(self, job: JobId) -> tuple[int, bytes] | None:
        """Return revision and value of a job's document; reads of one job never overlap, so none is older."""
        reading = self._reading.get(job)
        if reading is None:
            reading = asyncio.create_task(self._ask(job))
            self._reading[job] = reading
            reading.add_done_callback(partial(self._answered, job))
        return await asyncio.shield(reading)

    def forget(self, job: JobId) -> None:
        """Answer nobody with what was read of `job` before now: it was deleted."""
        self._reading.pop(job, None)
        self._encoded.pop(job, None)

    def _answered(self, job: JobId, reading: asyncio.Task[tuple[int, bytes] | None]) -> None:
        if self._reading.get(job) is reading:
            del self._reading[job]

    async def _ask(self, job: JobId) -> tuple[int, bytes] | None:
        try:
            entry = await insist(lambda: self._jobs.get(job), deadline=time.monotonic() + self._answer_seconds)
        except KeyNotFoundError:
            return None
        return entry.revision or 0, entry.value or b""

    def _encode(self, job: JobId, revision: int, value: bytes) -> bytes:
        known = self._encoded.get(job)
        if known is not None and known[0] == revision:
            self._encoded.move_to_end(job)
            return known[1]
        body = msgspec.json.encode(public_status(_documents.decode(value)))
        self._encoded[job] = revision, body
        while len(self._encoded) > CACHE_LIMIT:
            self._encoded.popitem(last=False)
        return body


def _job(request: web.Request) -> JobId | None:
    try:
        return parse_job_id(request.match_info["job"])
    except Permanent:
        return None
