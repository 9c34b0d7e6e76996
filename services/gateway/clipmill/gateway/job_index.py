"""Where all jobs stand, for lists and for whoever tidies up: a copy of the bucket, brought up to date bit by bit.

What one job's status is, the bucket's leader alone tells; this copy may be a moment behind it.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.job import JobDocument, JobSummary, job_summary
from clipmill.messaging.connection import insist
from clipmill.messaging.topology import JOBS
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

log = structlog.stdlib.get_logger()

STREAM = f"KV_{JOBS.name}"
PREFIX = f"$KV.{JOBS.name}."
OPERATION = "KV-Operation"
"""The header that only the marker of a deleted key has."""

_documents = msgspec.json.Decoder(JobDocument)


class IndexedJob(NamedTuple):
    """What the index knows of a job.

    Attributes:
        summary: where it stands.
        written: when its document was last written, Unix time in seconds by the server's clock.
    """

    summary: JobSummary
    written: float


class JobIndex:
    """Every job that has a document.

    The bucket keeps the last value of each key, so what was written since the last look is all there is to read: the
    first look costs a request for each job, later ones a request for each that changed.

    Args:
        js: for reading the bucket's stream from its leader.
        answer_seconds: how long NATS may take.
    """

    def __init__(self, js: JetStreamContext, *, answer_seconds: float) -> None:
        self._js = js
        self._answer_seconds = answer_seconds
        self._jobs: dict[JobId, IndexedJob] = {}
        self._created: datetime | None = None
        self._position = 0
        self._refreshing = asyncio.Lock()

    @property
    def jobs(self) -> Mapping[JobId, IndexedJob]:
        """All jobs as the last `refresh` found them."""
        return self._jobs

    async def refresh(self) -> None:
        """Take up what was written meanwhile.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time; what was read until then is kept.
        """
        async with self._refreshing:
            deadline = time.monotonic() + self._answer_seconds
            info = await insist(lambda: self._js.stream_info(STREAM), deadline=deadline)
            last = info.state.last_seq
            if info.created != self._created or last < self._position:  # another bucket, or one that was restored
                self._jobs.clear()
                self._created, self._position = info.created, 0
            while self._position < last:
                deadline = time.monotonic() + self._answer_seconds
                try:
                    message = await insist(self._next, deadline=deadline)
                except NotFoundError:
                    self._position = last  # what was there has been written again or removed
                else:
                    self._take(message)

    async def _next(self) -> RawStreamMsg:
        return await self._js.get_msg(STREAM, seq=self._position + 1, subject=f"{PREFIX}>", next=True)

    def _take(self, message: RawStreamMsg) -> None:
        self._position = message.seq or 0
        job = JobId((message.subject or "").removeprefix(PREFIX))
        self._jobs.pop(job, None)
        if OPERATION in (message.headers or {}):
            return
        try:
            document = _documents.decode(message.data or b"")
        except msgspec.DecodeError as reason:
            log.warning("undecodable_document", job=job, reason=str(reason))
            return
        self._jobs[job] = IndexedJob(job_summary(document), message.time.timestamp() if message.time else 0.0)
