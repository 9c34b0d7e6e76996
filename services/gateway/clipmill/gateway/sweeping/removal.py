"""Removing what belongs to a job: each step may be repeated, and a crash between two leaves a job to remove again."""

import time
from functools import partial

import structlog
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.contracts import subjects
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId
from clipmill.messaging.cancellation import ENDED_FOR_GOOD, EndedJobs
from clipmill.messaging.connection import insist
from clipmill.messaging.topology import ATTEMPTS, DEAD_LETTERS, EVENTS, INTAKE, SECRETS, TASKS
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from nats.js.kv import KeyValue

log = structlog.stdlib.get_logger()


class Removal:
    """Takes jobs out of the streams, the buckets and the store.

    Args:
        js: for purging streams.
        store: where artifacts lie.
        jobs: the bucket of job documents.
        ended: tells workers that a job is over.
        answer_seconds: how long NATS may take.
    """

    def __init__(
        self, js: JetStreamContext, store: Store, jobs: KeyValue, ended: EndedJobs, *, answer_seconds: float
    ) -> None:
        self._js = js
        self._store = store
        self._jobs = jobs
        self._ended = ended
        self._answer_seconds = answer_seconds

    async def artifacts(self, job: JobId) -> int:
        """Remove what the store has of `job` and return how many artifacts that were.

        Raises:
            Transient: `unavailable`.
        """
        return await self._store.delete_prefix(layout.job_prefix(job))

    async def told(self, job: JobId) -> bool:
        """Return whether the events still tell how `job` began: its document can be made anew, if it has none.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time.
        """
        beginning = partial(self._js.get_last_msg, EVENTS, subjects.event(Queued(job=job)))
        try:
            await insist(beginning, deadline=time.monotonic() + self._answer_seconds)
        except NotFoundError:
            return False
        return True

    async def job(self, job: JobId) -> None:
        """Remove all that is left of a job that has ended.

        That it is over is said first, so that nobody makes more of it. The document goes last: while it is there, the
        job can be found and removed again. It leaves a marker, over which no document is ever made.

        Raises:
            Transient: `unavailable`, when NATS or the store does not answer in time; the rest is still to be removed.
        """
        deadline = time.monotonic() + self._answer_seconds
        await self._ended.end(job, ENDED_FOR_GOOD, deadline=deadline)
        for stream in (INTAKE, TASKS):
            await self._purge(stream, *subjects.tasks_of_job(job))
        await self.artifacts(job)
        await self._purge(EVENTS, subjects.events_of_job(job))
        await self._purge(DEAD_LETTERS, *subjects.dead_letters_of_job(job))
        await self._purge(f"KV_{SECRETS.name}", f"$KV.{SECRETS.name}.{job}")
        await self._purge(f"KV_{ATTEMPTS.name}", f"$KV.{ATTEMPTS.name}.{job}.>")
        deadline = time.monotonic() + self._answer_seconds
        await insist(partial(self._jobs.delete, job), deadline=deadline)
        log.info("job_removed", job=job)

    async def _purge(self, stream: str, *filters: str) -> None:
        deadline = time.monotonic() + self._answer_seconds
        for subject in filters:
            await insist(partial(self._js.purge_stream, stream, subject=subject), deadline=deadline)
