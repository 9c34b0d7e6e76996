"""The list of jobs, and their end: jobs at work are cancelled, jobs that have ended are deleted."""

import asyncio
import math
import re
import time

import structlog
from aiohttp import web
from clipmill.contracts.api import JOB_STATUSES, Ended, JobList, Only
from clipmill.contracts.events import Cancelled, ClipFailed
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import JobId, parse_job_id
from clipmill.gateway.api.answers import as_json, job_not_found
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.document import JobDocument, job_summary
from clipmill.gateway.projection.index import JobIndex, searchable
from clipmill.gateway.removal import Removal
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.publisher import Publisher

log = structlog.stdlib.get_logger()

LIST_LIMIT = 200
LIST_DEFAULT = 50

QUERY_LIMIT = 200
"""Longest text to search for, in characters; no more of a title is kept than fits."""

FIRST_PAUSE = 0.005
LAST_PAUSE = 0.1
"""The pauses between two checks of a document for the job's end, in seconds, doubling from the first to the last."""

CLIP_CANCELLED = "The clip was cancelled; ask for it again if you want it after all."

CLEARING_TRIES = 5
CLEARING_PAUSE = 1.0
"""The pause before an unavailable store is tried again, in seconds, doubling; then the sweeper takes over."""


class Jobs:
    """`GET /api/jobs` and `DELETE /api/jobs/<job>`.

    Args:
        index: Index of all jobs.
        statuses: Statuses of single jobs.
        publisher: Publisher of the cancellation.
        ended: Record of ended jobs, which workers watch.
        removal: Removal of jobs and artifacts.
        answer_seconds: Longest wait for NATS and the projector, in seconds.
    """

    def __init__(
        self,
        index: JobIndex,
        statuses: Statuses,
        publisher: Publisher,
        ended: EndedJobs,
        removal: Removal,
        *,
        answer_seconds: float,
    ) -> None:
        self._index = index
        self._statuses = statuses
        self._publisher = publisher
        self._ended = ended
        self._removal = removal
        self._answer_seconds = answer_seconds
        self._clearing: set[asyncio.Task[None]] = set()

    async def list(self, request: web.Request) -> web.Response:
        """Return the jobs, newest first.

        Raises:
            Permanent: `bad_option`, the query has a bad value.
            Transient: `unavailable`, NATS did not answer in time.
        """
        limit, before, status, words = _limit(request), _before(request), _status(request), _query(request)
        await self._index.refresh()
        found = sorted(
            (
                (indexed.created, job)
                for job, indexed in self._index.jobs.items()
                if (status is None or indexed.status == status)
                and (before is None or (indexed.created, job) < before)
                and all(word in indexed.words for word in words)
            ),
            reverse=True,
        )
        page = found[:limit]
        cursor = _cursor(*page[-1]) if len(found) > limit else None
        documents = await asyncio.gather(*(self._statuses.document(job) for _, job in page))
        return as_json(JobList(jobs=[job_summary(document) for document in documents if document], next=cursor))

    async def delete(self, request: web.Request) -> web.Response:
        """Cancel a job that is at work, or delete one that has ended; `?only=` allows one of the two.

        Cancelling a completed job cancels the clips of its reserve that are wanted and not done. A job that an operator
        has reopened is at work again, and is cancelled as a whole.

        Raises:
            Permanent: `already_ended` or `not_ended`, the job is not in the state that `only` needs, or it ended before
                it could be cancelled.
            Transient: `unavailable`, NATS or the store did not answer in time.
        """
        only = _choice(request, "only", tuple(Only))
        document = await self._statuses.document(request.match_info["job"])
        if document is None:
            return job_not_found()
        if not document.state.terminal:
            if only == Only.DELETE:
                raise Permanent(ErrorCode.NOT_ENDED, "The job has not ended; cancel it before you delete it.")
            return await self._cancel(document)
        if only == Only.CANCEL and document.wanted:
            return await self._cancel_clips(document)
        if only == Only.CANCEL:
            raise _already_ended(document)
        await self._removal.job(document.job)
        self._statuses.forget(document.job)
        return as_json(Ended(job_id=document.job, status="deleted"))

    async def close(self) -> None:
        """Leave the artifacts that are not removed yet to the sweeper."""
        for task in self._clearing:
            task.cancel()
        await asyncio.gather(*self._clearing, return_exceptions=True)

    async def _cancel(self, document: JobDocument) -> web.Response:
        """Publish the cancellation, and wait until the document shows whether it came in time.

        Whether or not it did, the present generation is over, and its workers learn of this end without the projector.
        """
        job, deadline = document.job, time.monotonic() + self._answer_seconds
        cancelled = Cancelled(job=job, generation=document.generation)
        await self._publisher.event(cancelled, deadline=deadline)
        await self._ended.end(job, document.generation, deadline=deadline)
        pause = FIRST_PAUSE
        while (folded := await self._statuses.document(job)) is not None and not folded.state.terminal:
            if time.monotonic() >= deadline:
                return as_json(Ended(job_id=job, status="cancelling"), 202)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)
        if folded is None:
            return job_not_found()
        if not folded.cancelled:
            raise _already_ended(folded)
        clearing = asyncio.create_task(self._clear(job))
        self._clearing.add(clearing)
        clearing.add_done_callback(self._clearing.discard)
        return as_json(Ended(job_id=job, status="cancelled"))

    async def _cancel_clips(self, document: JobDocument) -> web.Response:
        """Publish the failure of each open clip; workers learn of the end of their generation without the projector."""
        job, deadline = document.job, time.monotonic() + self._answer_seconds
        for clip, generation in document.wanted.items():
            failed = ClipFailed(
                job=job, generation=generation, clip=clip, code=ErrorCode.CANCELLED, sentence=CLIP_CANCELLED
            )
            await self._publisher.event(failed, deadline=deadline)
        await self._ended.end(job, document.generation, deadline=deadline)
        pause = FIRST_PAUSE
        while (
            folded := await self._statuses.document(job)
        ) is not None and document.wanted.items() & folded.wanted.items():
            if time.monotonic() >= deadline:
                return as_json(Ended(job_id=job, status="cancelling"), 202)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)
        return job_not_found() if folded is None else as_json(Ended(job_id=job, status=folded.state))

    async def _clear(self, job: JobId) -> None:
        """Remove the artifacts of a cancelled job; the sweeper removes those that a dying worker stores later."""
        for number in range(CLEARING_TRIES):
            try:
                await self._removal.artifacts(job)
            except Transient as reason:
                log.warning("artifacts_not_removed", job=job, sentence=reason.sentence)
                await asyncio.sleep(CLEARING_PAUSE * 2**number)
            else:
                return


def _already_ended(document: JobDocument) -> Permanent:
    if document.cancelled:  # its files are gone already
        sentence = "The job has already been cancelled; delete it to remove it from the list."
    else:
        sentence = f"The job has already {document.state}; delete it to remove its files."
    return Permanent(ErrorCode.ALREADY_ENDED, sentence)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIST_DEFAULT))
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= LIST_LIMIT:
        raise Permanent(ErrorCode.BAD_OPTION, f'The parameter "limit" must be a whole number from 1 to {LIST_LIMIT}.')
    return int(text)


def _query(request: web.Request) -> list[bytes]:
    """Return the words that a job's source and titles must have, in any order."""
    text = request.query.get("query", "")
    if len(text) > QUERY_LIMIT:
        sentence = f'The parameter "query" must be at most {QUERY_LIMIT} characters.'
        raise Permanent(ErrorCode.BAD_OPTION, sentence)
    return [word.encode(errors="replace") for word in searchable(text).split()]


def _status(request: web.Request) -> str | None:
    return _choice(request, "status", JOB_STATUSES)


def _choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str | None:
    value = request.query.get(name)
    if value is not None and value not in choices:
        raise Permanent(ErrorCode.BAD_OPTION, f'The parameter "{name}" must be one of: {", ".join(choices)}.')
    return value


def _cursor(created: float, job: JobId) -> str:
    return f"{created!r}_{job}"


def _before(request: web.Request) -> tuple[float, JobId] | None:
    text = request.query.get("before")
    if text is None:
        return None
    created, _, job = text.partition("_")
    sentence = 'The parameter "before" must be the "next" value of an earlier list.'
    try:
        before = float(created), parse_job_id(job)
    except (ValueError, Permanent):
        raise Permanent(ErrorCode.BAD_OPTION, sentence) from None
    if not math.isfinite(before[0]):  # nan compares with nothing, and the list would be empty
        raise Permanent(ErrorCode.BAD_OPTION, sentence)
    return before
