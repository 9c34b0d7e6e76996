"""The answers to polls: one request to the bucket's leader serves all simultaneous polls of a job.

A poll with `?wait=` is answered when the status changes. It compares revisions, which are those of the bucket: a poll
that comes with a later revision than the one known here, because another gateway answered before, waits for a reading.
"""

import asyncio
import re
import time
from collections import OrderedDict
from functools import partial

import msgspec
from aiohttp import web
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId, parse_job_id
from clipmill.gateway.api.answers import WAITED, as_json, job_not_found
from clipmill.gateway.api.watching import JobWatch
from clipmill.gateway.projection.document import JobDocument, job_view, public_status
from clipmill.messaging.buckets import Bucket, Entry

CACHE_LIMIT = 1024
"""The most encoded answers that are kept: a poll that finds nothing new encodes nothing."""

REVISION = re.compile("[0-9]{1,19}")
"""A revision as an entity tag has it."""

WAIT_LIMIT = 60
"""Longest wait of a poll, in seconds. Many proxies close a connection on which nothing comes for a minute."""


class Statuses:
    """`GET /api/status/<job>` and `GET /api/jobs/<job>`.

    Args:
        documents: Bucket of job documents.
        answer_seconds: Longest wait for NATS before the answer is 503, in seconds.

    Attributes:
        watch: Jobs for whose changes somebody waits.
    """

    def __init__(self, documents: Bucket[JobDocument], *, answer_seconds: float) -> None:
        self._documents = documents.within(answer_seconds)
        self._reading: dict[JobId, asyncio.Task[Entry[JobDocument]]] = {}
        self._encoded: OrderedDict[JobId, tuple[int, bytes]] = OrderedDict()
        self.watch = JobWatch(self._documents, self._read)

    async def status(self, request: web.Request) -> web.Response:
        """Return the public status, or 304 if the client has it already; `?wait=` gives it so long to change.

        Raises:
            Permanent: `bad_option`, `wait` has a bad value.
            Transient: `unavailable`, NATS did not answer in time.
        """
        seconds, job = _wait(request), named_job(request)
        if job is None:
            return job_not_found()
        entry = await (self._changed(request, job, seconds) if seconds else self._read(job))
        if entry.data is None:
            return job_not_found()
        headers = {"ETag": f'"{entry.revision}"', "Cache-Control": "no-cache"}
        if str(entry.revision) in _tags(request):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=self._encode(job, entry.revision, entry.data), headers=headers, content_type="application/json"
        )

    async def _changed(self, request: web.Request, job: JobId, seconds: float) -> Entry[JobDocument]:
        """Return the entry of a job once the client does not have it, or after `seconds`."""
        tags = _tags(request)
        newest = max((int(tag) for tag in tags if REVISION.fullmatch(tag)), default=None)
        with self.watch.follow(job) as followed:
            entry = followed.entry
            if entry is None or followed.failure or newest is None or entry.revision < newest:
                entry = await followed.refresh()
            if entry.data is None or str(entry.revision) not in tags:
                return entry
            begun = time.perf_counter()
            await followed.change(entry.revision, seconds, request)
            request[WAITED] = time.perf_counter() - begun
            if followed.failure is not None:
                raise followed.failure
            return followed.entry or entry

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


def named_job(request: web.Request) -> JobId | None:
    """Return the job that the path names, None if it is no id of a job."""
    try:
        return parse_job_id(request.match_info["job"])
    except Permanent:
        return None


def _tags(request: web.Request) -> frozenset[str]:
    """Return the entity tags that the client has."""
    return frozenset(tag.value for tag in request.if_none_match or ())


def _wait(request: web.Request) -> int:
    text = request.query.get("wait", "0")
    if not re.fullmatch("[0-9]{1,2}", text) or int(text) > WAIT_LIMIT:
        sentence = f'The parameter "wait" must be a whole number of seconds from 0 to {WAIT_LIMIT}.'
        raise Permanent(ErrorCode.BAD_OPTION, sentence)
    return int(text)
