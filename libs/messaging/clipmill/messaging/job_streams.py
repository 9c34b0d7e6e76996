"""Reading and removing what the streams hold for one job: events, tasks and dead letters.

Only this file knows names of JetStream's API (`$JS.API`). Only `topology` knows names of its buckets (`$KV.`, `KV_`).
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
from clipmill.contracts import subjects
from clipmill.contracts.events import Queued, Reopened
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.stages import Stage
from clipmill.messaging.connection import REQUEST_SECONDS, retry_until
from clipmill.messaging.topology import ATTEMPTS, DEAD_LETTERS, EVENTS, INTAKE, SECRETS, TASKS, consumer_of, stream_of
from msgspec import Struct
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

R = TypeVar("R")

JOB = 4
"""Place of the job in a task's subject."""


def pull_subject(stage: Stage, priority: Priority) -> str:
    """Return the subject on which a task of a stage is requested."""
    return consumer_pull_subject(stream_of(stage), consumer_of(stage, priority))


def consumer_pull_subject(stream: str, consumer: str) -> str:
    """Return the subject on which a consumer is asked for messages."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"


class Place(NamedTuple):
    """The place of a message that a consumer delivered.

    Attributes:
        stream: Sequence in the stream.
        consumer: Sequence among the deliveries of the consumer, from 1.
        pending: Number of messages that the consumer has not delivered yet.
    """

    stream: int
    consumer: int
    pending: int


def place_of(reply: str) -> Place:
    """Return the place that the reply subject of a delivered message names.

    It is `$JS.ACK.<stream>.<consumer>.<tries>.<stream sequence>.<consumer sequence>.<time>.<pending>`; servers with a
    domain put two tokens before the stream, and may add one at the end (nats-architecture-and-design, ADR-15).
    """
    tokens = reply.split(".")
    first = 5 if len(tokens) == 9 else 7
    return Place(int(tokens[first]), int(tokens[first + 1]), int(tokens[first + 3]))


def direct_get_subject(stream: str) -> str:
    """Return the subject on which any replica of a stream is asked for messages by their position."""
    return f"$JS.API.DIRECT.GET.{stream}"


@dataclass(frozen=True)
class StoredMessage:
    """A message as the leader of its stream has it.

    Attributes:
        sequence: Position in the stream, which never names another message.
        subject: Subject under which it was published.
        data: Payload.
        at: Time when the server stored it, Unix time in seconds by the server's clock, 0 if unknown.
    """

    sequence: int
    subject: str
    data: bytes
    at: float


class OpenTasks(NamedTuple):
    """The jobs that have work left.

    Attributes:
        jobs: Jobs that have a task, waiting or being worked on.
        at: Time when the server began to answer, Unix time in seconds by its clock.
    """

    jobs: frozenset[str]
    at: float


class JobStreams:
    """Requests to the streams' leaders, and purges.

    Every request is repeated through outages, until the `deadline` (`time.monotonic()`) of the call, or for the seconds
    given to `within`, which the requests of one purge share. After that it raises `Transient`, `unavailable`. Without
    either limit, it is repeated forever.

    Args:
        nc: Open connection.

    Attributes:
        nc: Open connection.
    """

    def __init__(self, nc: Client) -> None:
        self.nc = nc
        self._js = nc.jetstream(timeout=REQUEST_SECONDS)
        self._patience: float | None = None

    def within(self, seconds: float) -> "JobStreams":
        """Return the streams with `seconds` for each request."""
        streams = JobStreams(self.nc)
        streams._patience = seconds
        return streams

    async def last_event(
        self, job: JobId, kind: type[Queued | Reopened] | None = None, *, deadline: float | None = None
    ) -> StoredMessage | None:
        """Return the last event of `job`, or its last event of one kind; None if there is none."""
        subject = subjects.events_of_job(job) if kind is None else subjects.event(kind(job=job))
        try:
            return stored(await self._ask(partial(self._js.get_last_msg, EVENTS, subject), deadline))
        except NotFoundError:
            return None

    async def event_after(self, sequence: int) -> bool:
        """Return whether there is an event of any job after `sequence`."""
        after = partial(self._js.get_msg, EVENTS, seq=sequence + 1, subject=subjects.ALL_EVENTS, next=True)
        try:
            await self._ask(after)
        except NotFoundError:
            return False
        return True

    def events(self, job: JobId) -> AsyncGenerator[StoredMessage, None]:
        """Yield all events of `job` in order."""
        return self._under(EVENTS, subjects.events_of_job(job))

    async def tasks(self, job: JobId) -> AsyncGenerator[StoredMessage, None]:
        """Yield all tasks of `job`, waiting or being worked on."""
        for stream in (INTAKE, TASKS):
            for subject in subjects.tasks_of_job(job):
                async for message in self._under(stream, subject):
                    yield message

    async def events_end(self, *, deadline: float | None = None) -> tuple[datetime | None, int]:
        """Return the creation time of the stream of events, and its last sequence."""
        info = await self._ask(partial(self._js.stream_info, EVENTS), deadline)
        return info.created, info.state.last_seq

    async def task_ends(self) -> Mapping[str, int]:
        """Return the last sequence of each stream of tasks, by its name."""
        return {
            stream: (await self._ask(partial(self._js.stream_info, stream))).state.last_seq
            for stream in (INTAKE, TASKS)
        }

    async def purge_tasks(self, job: JobId, ends: Mapping[str, int] | None = None) -> None:
        """Remove the tasks of `job`; if `ends` are given, as `task_ends` returns them, only the tasks up to them."""
        deadline = self._deadline()
        for stream in (INTAKE, TASKS):
            after = None if ends is None else ends[stream] + 1
            for subject in subjects.tasks_of_job(job):
                await self._ask(partial(self._js.purge_stream, stream, seq=after, subject=subject), deadline)

    async def purge_job(self, job: JobId) -> None:
        """Remove the events of `job`, its dead letters, its secret and the tally of its tries, in this order.

        Its tasks and its document stay.
        """
        traces = [
            (EVENTS, subjects.events_of_job(job)),
            *((DEAD_LETTERS, subject) for subject in subjects.dead_letters_of_job(job)),
            (SECRETS.stream, SECRETS.subject(job)),
            (ATTEMPTS.stream, ATTEMPTS.subject(f"{job}.>")),
        ]
        deadline = self._deadline()
        for stream, subject in traces:
            await self._ask(partial(self._js.purge_stream, stream, subject=subject), deadline)

    async def intake_full(self, *, deadline: float | None = None) -> bool:
        """Return whether the stream of first tasks is full."""
        intake = await self._ask(partial(self._js.stream_info, INTAKE), deadline)
        return 0 < (intake.config.max_msgs or 0) <= intake.state.messages

    async def open_tasks(self) -> OpenTasks:
        """Return the jobs that have a task.

        The first stage's stream is read first, so a job that moves on meanwhile is found in the second stream.
        """
        jobs: set[str] = set()
        at: list[float] = []
        for stream in (INTAKE, TASKS):
            seen, total = 0, 1
            while seen < total:
                page = await self._ask(partial(self._page, stream, seen))
                names = page.state.subjects or {}
                jobs.update(_jobs(names))
                seen, total = seen + len(names), page.total if names else 0
                at += [page.ts.timestamp()] if page.ts else []
        return OpenTasks(frozenset(jobs), min(at))

    async def _page(self, stream: str, offset: int) -> "_Page":
        request = msgspec.json.encode({"subjects_filter": ">", "offset": offset})
        answer = await self.nc.request(f"$JS.API.STREAM.INFO.{stream}", request, timeout=REQUEST_SECONDS)
        page = msgspec.json.decode(answer.data, type=_Page)
        if page.error is not None:
            APIError.from_error(page.error)
        return page

    def _under(self, stream: str, subject: str) -> AsyncGenerator[StoredMessage, None]:
        return stored_under(self._js, stream, subject, self._deadline)

    async def _ask(self, call: Callable[[], Awaitable[R]], deadline: float | None = None) -> R:
        return await retry_until(call, deadline=self._deadline() if deadline is None else deadline)

    def _deadline(self) -> float | None:
        return None if self._patience is None else time.monotonic() + self._patience


async def stored_under(
    js: JetStreamContext, stream: str, subject: str, deadline: Callable[[], float | None]
) -> AsyncGenerator[StoredMessage, None]:
    """Yield the messages that a stream's leader has under `subject`; `deadline` returns that of each request."""
    sequence = 0
    while True:
        following = partial(js.get_msg, stream, seq=sequence + 1, subject=subject, next=True)
        try:
            message = stored(await retry_until(following, deadline=deadline()))
        except NotFoundError:
            return
        sequence = message.sequence
        yield message


class _State(Struct, frozen=True):
    subjects: dict[str, int] | None = None


class _Page(Struct, frozen=True):
    """A part of a stream's subjects; the server sends at most 100,000 at a time."""

    ts: datetime | None = None
    total: int = 0
    state: _State = _State()
    error: dict[str, object] | None = None


def _jobs(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield name.split(".")[JOB]


def stored(message: RawStreamMsg) -> StoredMessage:
    """Return `message` as a `StoredMessage`."""
    at = message.time.timestamp() if message.time else 0.0
    return StoredMessage(message.seq or 0, message.subject or "", message.data or b"", at)
