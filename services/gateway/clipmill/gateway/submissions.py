"""Taking in a video: an upload stored or a URL noted, the job made visible, its first task published.

The order makes a crash harmless: an upload alone is an orphan, a `queued` event alone is a job that waits, and the
document exists before the client learns the job's id, so its first poll never misses.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec
import structlog
from aiohttp import BodyPartReader, web
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.contracts.events import Cancelled, Queued
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.tasks import DownloadTask, first_task
from clipmill.gateway import fold
from clipmill.gateway.answers import as_json
from clipmill.gateway.options import parse_options, parse_priority, parse_url
from clipmill.gateway.projector import JOBS
from clipmill.messaging.connection import insist
from clipmill.messaging.publisher import Publisher, now
from clipmill.messaging.secrets import Secrets
from nats.js.errors import KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

SUBMISSIONS = Counter("clipmill_submissions_total", "Jobs taken in.", ["source"])

CHUNK_BYTES = 1024 * 1024
FIELD_BYTES = 64 * 1024
KEY_HEADER = "X-Gemini-Key"
KEY_LIMIT = 256
FILE_NAME_LIMIT = 1024


class Accepted(msgspec.Struct):
    """The answer to a submission."""

    job_id: JobId
    status: str = "queued"


@dataclass
class Form:
    """What a client sent, before it is judged.

    Attributes:
        fields: options and the URL, as sent.
        file_name: of the upload, None if there is none.
        upload_bytes: stored of it.
    """

    fields: dict[str, object] = field(default_factory=dict)
    file_name: str | None = None
    upload_bytes: int = 0


class Submissions:
    """`POST /api/process`.

    Args:
        store: where uploads go.
        publisher: of events and tasks.
        jobs: the bucket of job documents.
        secrets: where a client's key is kept until its job ends.
        max_upload_bytes: the largest upload taken.
        answer_seconds: how long NATS may take before the answer is 503.
    """

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        jobs: KeyValue,
        secrets: Secrets,
        *,
        max_upload_bytes: int,
        answer_seconds: float,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._jobs = jobs
        self._secrets = secrets
        self._max_upload_bytes = max_upload_bytes
        self._answer_seconds = answer_seconds

    async def process(self, request: web.Request) -> web.Response:
        """Take in a video and answer with its job's id.

        Raises:
            Permanent: what the client must mend.
            Transient: what may pass: too many jobs, no NATS, no store.
        """
        job = new_job_id()
        key = _lent_key(request)
        try:
            form = await self._read(request, job)
            task, queued = _judge(job, form)
            await self._admit(task, queued, key)
        except BaseException:
            await self._store.delete_prefix(layout.job_prefix(job))
            raise
        SUBMISSIONS.labels("upload" if task.url is None else "url").inc()
        JOBS.labels("queued").inc()
        log.info("job_accepted", job=job, source="upload" if task.url is None else "url")
        return as_json(Accepted(job))

    async def _admit(self, task: DownloadTask, queued: Queued, key: str | None) -> None:
        deadline = time.monotonic() + self._answer_seconds
        if key is not None:
            await self._secrets.put(task.job, key, deadline=deadline)
        stored = await self._publisher.event(queued, deadline=deadline)
        document = fold.begin(stored.seq, queued)
        try:
            value = msgspec.json.encode(document)
            await insist(lambda: self._jobs.create(task.job, value), deadline=deadline)
        except KeyWrongLastSequenceError:
            pass  # the projector was faster
        try:
            await self._publisher.task(task, deadline=deadline)
        except Transient:
            await self._publisher.event(Cancelled(job=task.job), deadline=time.monotonic() + self._answer_seconds)
            raise

    async def _read(self, request: web.Request, job: JobId) -> Form:
        """Return what was sent; an upload goes to the store as it arrives."""
        if request.content_type == "application/json":
            return Form(fields=await _json_fields(request))
        if request.content_type == "application/x-www-form-urlencoded":
            return Form(fields={name: str(value) for name, value in (await request.post()).items()})
        if request.content_type != "multipart/form-data":
            raise Permanent(ErrorCode.BAD_REQUEST, "Send JSON with a url, or multipart/form-data with a file.")
        return await self._read_multipart(request, job)

    async def _read_multipart(self, request: web.Request, job: JobId) -> Form:
        form = Form()
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise Permanent(ErrorCode.BAD_REQUEST, "A part of the form is itself multipart; send plain fields.")
                if part.name == "file" and part.filename is not None:
                    if form.file_name is not None:
                        raise Permanent(ErrorCode.BAD_REQUEST, "Send one file a job.")
                    form.file_name = unquote(part.filename)[:FILE_NAME_LIMIT]  # clients escape what is not ASCII
                    form.upload_bytes = await self._store.put_stream(layout.upload(job), self._limited(part))
                elif part.name:
                    form.fields[part.name] = await _text(part)
        except ValueError as reason:
            raise Permanent(ErrorCode.BAD_REQUEST, f"The form cannot be read: {reason}.") from reason
        return form

    async def _limited(self, part: BodyPartReader) -> AsyncIterator[bytes]:
        received = 0
        while chunk := await part.read_chunk(CHUNK_BYTES):
            received += len(chunk)
            if received > self._max_upload_bytes:
                raise Permanent(
                    ErrorCode.TOO_LARGE, f"The file is larger than the {self._max_upload_bytes} bytes allowed here."
                )
            yield bytes(chunk)


def _judge(job: JobId, form: Form) -> tuple[DownloadTask, Queued]:
    """Return the first task and event of a job, if what was sent makes one."""
    options, ignored = parse_options(form.fields)
    url = form.fields.get("url") or None
    if url is not None and form.file_name is not None:
        raise Permanent(ErrorCode.BAD_REQUEST, "Send either a url or a file, not both.")
    if url is None and form.file_name is None:
        raise Permanent(ErrorCode.BAD_REQUEST, "Send the url of a video, or a file.")
    if url is None and not form.upload_bytes:
        raise Permanent(ErrorCode.BAD_REQUEST, "The file is empty.")
    source = form.file_name if url is None else parse_url(url)
    queued = Queued(
        job=job,
        at=now(),
        options=options,
        source=source or "",
        upload=url is None,
        priority=parse_priority(form.fields),
        ignored_options=ignored,
    )
    return first_task(queued), queued


async def _json_fields(request: web.Request) -> dict[str, object]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Permanent(ErrorCode.BAD_REQUEST, 'The body must be a JSON object such as {"url": "https://…"}.') from None


async def _text(part: BodyPartReader) -> str:
    data = bytearray()
    while chunk := await part.read_chunk(FIELD_BYTES):
        data += chunk
        if len(data) > FIELD_BYTES:
            raise Permanent(ErrorCode.BAD_OPTION, f"The field {part.name} is longer than {FIELD_BYTES} bytes.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Permanent(ErrorCode.BAD_OPTION, f"The field {part.name} is not UTF-8 text.") from None


def _lent_key(request: web.Request) -> str | None:
    key = request.headers.get(KEY_HEADER, "").strip()
    if not key:
        return None
    if len(key) > KEY_LIMIT or not key.isascii() or not key.isprintable() or " " in key:
        raise Permanent(ErrorCode.BAD_OPTION, f"The header {KEY_HEADER} does not hold an API key.")
    return key
