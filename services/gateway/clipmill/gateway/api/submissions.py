"""Submissions: the files are stored, the job's first event and document are written, and its first task is published.

The order makes a crash harmless. Files alone are orphans, and a `queued` event alone is a job that waits. The
document exists before the client learns the job's id, and the first poll finds it. A job that is refused after its
first event was published is cancelled.
"""

import asyncio
import contextlib
import time
import unicodedata
from collections.abc import AsyncIterator, Collection
from urllib.parse import unquote

import structlog
from aiohttp import BodyPartReader, web
from clipmill.artifacts import given_transcripts, layout
from clipmill.artifacts.store import Store
from clipmill.contracts.api import KEY_HEADER, Accepted
from clipmill.contracts.codec import encode
from clipmill.contracts.events import Cancelled, Queued
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.tasks import first_task
from clipmill.gateway.api.admission import Admission
from clipmill.gateway.api.answers import as_json
from clipmill.gateway.api.forms import NAME_LETTERS, Form, parts_of, read_json, read_urlencoded, unreadable
from clipmill.gateway.api.options import BREAKS, KNOWN, SOURCES, parse_options, parse_priority, parse_url
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JOBS
from clipmill.messaging.buckets import Bucket, Conflict
from clipmill.messaging.publisher import Publisher, now
from clipmill.messaging.secrets import Secrets
from msgspec.structs import replace
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

SUBMISSIONS = Counter("clipmill_submissions_total", "Jobs accepted, by source.", ["source"])
REFUSED = Counter("clipmill_submissions_refused_total", "Submissions refused, by error code.", ["code"])

CHUNK_BYTES = 1024 * 1024
KEY_LIMIT = 256
FILE_NAME_LIMIT = 1024


class Submissions:
    """`POST /api/process`.

    Args:
        store: Store of the uploads.
        publisher: Publisher of events and tasks.
        documents: Bucket of job documents.
        secrets: Store of the keys that clients lend, each until its job ends.
        admission: Check for space and queue before a job is accepted.
        models: Names of the Whisper models that a job may choose.
        max_upload_bytes: Largest upload accepted, in bytes.
        answer_seconds: Longest wait for NATS before the answer is 503, in seconds.
    """

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        documents: Bucket[JobDocument],
        secrets: Secrets,
        admission: Admission,
        *,
        max_upload_bytes: int,
        answer_seconds: float,
        models: Collection[str] = (),
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._documents = documents
        self._secrets = secrets
        self._admission = admission
        self._max_upload_bytes = max_upload_bytes
        self._answer_seconds = answer_seconds
        self._models = models
        self._withdrawing: set[asyncio.Task[None]] = set()

    async def process(self, request: web.Request) -> web.Response:
        """Accept a video and return the id of its job.

        Raises:
            Permanent: The request is wrong; the client must correct it.
            Transient: `busy`, `out_of_space` or `unavailable`.
        """
        job = new_job_id()
        try:
            key = _lent_key(request)
            form = await self._read(request, job)
            queued = _judge(job, form, self._models)
            await self._admit(queued, key)
        except BaseException as reason:
            if isinstance(reason, Failure | web.HTTPRequestEntityTooLarge):
                REFUSED.labels(reason.code if isinstance(reason, Failure) else ErrorCode.TOO_LARGE).inc()
            await self._discard(job)
            raise
        source = "upload" if queued.upload else "url"
        SUBMISSIONS.labels(source).inc()
        JOBS.labels("queued").inc()
        log.info("job_accepted", job=job, source=source)
        return as_json(Accepted(job_id=job))

    async def close(self) -> None:
        """Stop cancelling refused jobs; the sweeper finds them later because they have no task."""
        for task in self._withdrawing:
            task.cancel()
        await asyncio.gather(*self._withdrawing, return_exceptions=True)

    async def _admit(self, queued: Queued, key: str | None) -> None:
        deadline = time.monotonic() + self._answer_seconds
        await self._admission.check(deadline=deadline)
        try:
            if key is not None:
                await self._secrets.put(queued.job, key, deadline=deadline)
            await self._announce(queued, deadline)
            await self._publisher.task(first_task(queued), deadline=deadline)
        except Transient:
            # The server may have stored a message without an answer, or may store it when it is back.
            withdrawing = asyncio.create_task(self._withdraw(queued.job, lent=key is not None))
            self._withdrawing.add(withdrawing)
            withdrawing.add_done_callback(self._withdrawing.discard)
            await asyncio.wait({withdrawing}, timeout=max(0.0, deadline - time.monotonic()))
            raise

    async def _announce(self, queued: Queued, deadline: float) -> None:
        """Publish the job's first event and write its document."""
        stored = await self._publisher.event(queued, deadline=deadline)
        # NATS's `create` fails in a cluster if the projector has written the document but it cannot be read yet.
        with contextlib.suppress(Conflict):  # the projector was faster
            await self._documents.update(queued.job, fold.new_document(stored.seq, queued), 0, deadline=deadline)

    async def _withdraw(self, job: JobId, *, lent: bool) -> None:
        """Cancel a job that is refused after its first event was published, even if the server is away for long."""
        try:
            await self._publisher.event(Cancelled(job=job))
        except Transient as reason:  # the stream is full, and it stored no earlier event of the job either
            log.warning("refused_job_not_cancelled", job=job, sentence=reason.sentence)
        if lent:
            await self._secrets.forget(job)

    async def _discard(self, job: JobId) -> None:
        """Delete the artifacts of a job that is not accepted."""
        try:
            await self._store.delete_prefix(layout.job_prefix(job))
        except Transient as reason:
            log.warning("upload_not_removed", job=job, sentence=reason.sentence)

    async def _read(self, request: web.Request, job: JobId) -> Form:
        """Return the content of the request; an upload goes to the store while it arrives."""
        if request.content_type == "application/json":
            return await read_json(request)
        if request.content_type == "application/x-www-form-urlencoded":
            return await read_urlencoded(request)
        if request.content_type != "multipart/form-data":
            sentence = (
                "The Content-Type is neither JSON nor a form; send JSON with a url, or multipart/form-data with a file."
            )
            raise Permanent(ErrorCode.BAD_REQUEST, sentence)
        deadline = time.monotonic() + self._answer_seconds
        await self._admission.check(deadline=deadline, upload_bytes=request.content_length or 0)
        return await self._read_multipart(request, job)

    async def _read_multipart(self, request: web.Request, job: JobId) -> Form:
        form = Form()
        try:
            async for part in parts_of(request):
                form.begin_field()
                if part.name == "file" and part.filename is not None:
                    if form.file_name is not None:
                        raise Permanent(ErrorCode.BAD_REQUEST, "The form holds several files; send one for each job.")
                    form.file_name = _plain_name(part.filename)
                    chunks = self._admission.watched(self._limited(part))
                    form.upload_bytes = await self._store.put_stream(layout.upload(job), chunks)
                elif part.name == "transcript":
                    await self._store_transcript(part, form, job)
                elif part.filename and part.name not in KNOWN | SOURCES:
                    raise _misplaced(part.name)
                else:
                    await form.put_part(part)
        except ValueError as reason:
            raise unreadable(reason) from reason
        return form

    async def _store_transcript(self, part: BodyPartReader, form: Form, job: JobId) -> None:
        """Read and store the transcript in a part, unless a browser sent the part of a form without a chosen file."""
        data = await _transcript_bytes(part)
        if not data and not part.filename:
            return
        if form.transcript:
            raise Permanent(ErrorCode.BAD_REQUEST, "The form holds several transcripts; send one for each job.")
        given = await asyncio.to_thread(given_transcripts.read_transcript, data)
        await self._store.put_bytes(layout.given_transcript(job), encode(given))
        form.transcript = True

    async def _limited(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        received = 0
        while chunk := await part.read_chunk(CHUNK_BYTES):
            received += len(chunk)
            if received > self._max_upload_bytes:
                sentence = f"The file is larger than the {self._max_upload_bytes} bytes allowed; send a smaller one."
                raise Permanent(ErrorCode.TOO_LARGE, sentence)
            yield bytes(chunk)


def _judge(job: JobId, form: Form, models: Collection[str]) -> Queued:
    """Return the first event of a job from the content of its request.

    Raises:
        Permanent: The content is not a valid submission.
    """
    options, ignored = parse_options(form.fields, models)
    if form.fields.get("transcript"):
        sentence = "The transcript is not sent as a file; send it as a part of multipart/form-data, also beside a url."
        raise Permanent(ErrorCode.BAD_TRANSCRIPT, sentence)
    url = form.fields.get("url") or None
    if url is not None and form.file_name is not None:
        raise Permanent(ErrorCode.BAD_REQUEST, "The request has both a url and a file; send one of them.")
    if url is None and form.file_name is None:
        raise Permanent(ErrorCode.BAD_REQUEST, "The request has no video; send a url or a file.")
    if url is None and not form.upload_bytes:
        raise Permanent(ErrorCode.BAD_REQUEST, "The file is empty; send one that holds a video.")
    source = form.file_name if url is None else parse_url(url)
    return Queued(
        job=job,
        at=now(),
        options=replace(options, transcript=form.transcript),
        source=source or "",
        upload=url is None,
        priority=parse_priority(form.fields),
        ignored_options=ignored,
    )


def _plain_name(sent: str) -> str:
    """Return the name of a file as text: clients escape all but ASCII, and some send raw bytes of another encoding."""
    name = unquote(sent.encode(errors="surrogateescape").decode(errors="replace"))
    return "".join(" " if unicodedata.category(mark) in BREAKS else mark for mark in name[:FILE_NAME_LIMIT])


def _misplaced(name: str | None) -> Permanent:
    shown = (name or "").encode(errors="replace").decode()[:NAME_LETTERS]
    where = f'came in the field "{shown}"' if shown else "came in a field without a name"
    sentence = f'A file {where}; send the video in the field "file", and a transcript in the field "transcript".'
    return Permanent(ErrorCode.BAD_REQUEST, sentence)


async def _transcript_bytes(part: BodyPartReader) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(CHUNK_BYTES):
        data += chunk
        if len(data) > given_transcripts.BYTES_LIMIT:
            raise given_transcripts.too_large()
    return bytes(data)


def _lent_key(request: web.Request) -> str | None:
    key = request.headers.get(KEY_HEADER, "").strip()
    if not key:
        return None
    if len(key) > KEY_LIMIT or not key.isascii() or not key.isprintable() or " " in key:
        sentence = f"The header {KEY_HEADER} does not hold an API key; correct it or leave it out."
        raise Permanent(ErrorCode.BAD_OPTION, sentence)
    return key
