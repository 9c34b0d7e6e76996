"""The streams, consumers and buckets of clipmill and their limits, in one place.

Only this file knows names of buckets on the wire (`$KV.`, `KV_`). Only `job_streams` knows names of JetStream's API.

`apply` creates or updates them all and may run any number of times; services only use them.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from clipmill.contracts import subjects
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.stages import Stage
from clipmill.messaging.connection import retry_until
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    KeyValueConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError, ServiceUnavailableError

INTAKE = "INTAKE"
TASKS = "TASKS"
EVENTS = "EVENTS"
DEAD_LETTERS = "DEAD_LETTERS"

ACK_WAIT = 30.0
"""Seconds without a heartbeat after which a worker's task goes to another worker."""

ACK_PENDING_LIMIT = 100_000
"""Number of delivered tasks that a consumer leaves without an answer; far above any number of workers, because tasks
that wait for a retry count too."""

INTAKE_LIMIT = 10_000
"""Submissions that may wait. Above it the gateway refuses new ones; no other place refuses work."""

DEDUPE_SECONDS = 120.0
"""Time for which the server remembers message ids; handlers are idempotent, so this only saves work."""

LEASE_SECONDS = 4.0
"""Time for which the projector's lease outlives its holder; a takeover takes at most 1.1 times as long."""

RETENTION_SECONDS = 7 * 24 * 3600.0
"""Time for which a finished job is kept by default, in seconds."""

BACKSTOP = 4
"""Age at which streams and buckets drop their entries, as a multiple of the retention; the sweeper removes jobs long
before."""

PATIENCE_SECONDS = 60.0
"""Time for which `apply` goes on while servers start, elect a leader or are away."""

ANSWER_SECONDS = 5.0
"""Wait for the answer to one request of `apply`; creating three copies may take several elections."""

PASSING = {10005, 10008}
"""Refusals that end when more servers have started: no suitable peers, system temporarily unavailable."""

REFUSED = {10074}
"""Refusals that NATS reports as server errors although no retry helps: a server without a cluster keeps no copies."""


@dataclass(frozen=True)
class Stream:
    """A stream and its limits.

    Attributes:
        name: Name of the stream in NATS.
        subjects: Subjects whose messages it stores.
        retention: Rule for an acknowledged message: it is removed (work queue) or stays (limits).
        limit: Most messages that it holds, None for no limit; a full stream refuses more.
        direct: True to answer reads by position without a consumer.
        expires: True to remove messages after the backstop age.
    """

    name: str
    subjects: tuple[str, ...]
    retention: RetentionPolicy
    limit: int | None = None
    direct: bool = False
    expires: bool = False


@dataclass(frozen=True)
class Consumer:
    """A durable pull consumer: the tasks of one stage and priority.

    Attributes:
        name: Name of the consumer in NATS.
        stream: Stream that it reads.
        subject: Subject whose messages it delivers.
    """

    name: str
    stream: str
    subject: str


@dataclass(frozen=True)
class BucketConfig:
    """A key-value bucket.

    Attributes:
        name: Name of the bucket in NATS.
        ttl: Time after which a key is removed: seconds, "backstop", or None for never.
    """

    name: str
    ttl: float | str | None

    @property
    def stream(self) -> str:
        """Name of the stream that keeps the bucket's entries."""
        return f"KV_{self.name}"

    def subject(self, key: str) -> str:
        """Return the subject of `key` in that stream."""
        return f"$KV.{self.name}.{key}"


def stream_of(stage: Stage) -> str:
    """Return the name of the stream that holds a stage's tasks; a job's first task has a stream for itself."""
    return TASKS if stage.builds_on else INTAKE


def _tasks_in(stream: str) -> tuple[str, ...]:
    return tuple(subjects.tasks_of(stage) for stage in Stage if stream_of(stage) == stream)


STREAMS = (
    Stream(INTAKE, _tasks_in(INTAKE), RetentionPolicy.WORK_QUEUE, limit=INTAKE_LIMIT),
    Stream(TASKS, _tasks_in(TASKS), RetentionPolicy.WORK_QUEUE),
    Stream(EVENTS, (subjects.ALL_EVENTS,), RetentionPolicy.LIMITS, direct=True, expires=True),
    Stream(DEAD_LETTERS, (subjects.ALL_DEAD_LETTERS,), RetentionPolicy.LIMITS, expires=True),
)

JOBS = BucketConfig("jobs", "backstop")
CONTROL = BucketConfig("control", "backstop")
ATTEMPTS = BucketConfig("attempts", "backstop")
SECRETS = BucketConfig("secrets", "backstop")
LEASE = BucketConfig("lease", LEASE_SECONDS)
CHECKPOINT = BucketConfig("checkpoint", None)
BUCKETS = (JOBS, CONTROL, ATTEMPTS, SECRETS, LEASE, CHECKPOINT)


def consumer_of(stage: Stage, priority: Priority) -> str:
    """Return the name of the consumer that delivers a stage's tasks of one priority."""
    return f"{stage}_{priority}"


CONSUMERS = tuple(
    Consumer(consumer_of(stage, priority), stream_of(stage), subjects.tasks_of(stage, priority))
    for stage in Stage
    for priority in Priority
)


async def apply(
    nc: Client,
    replicas: int = 1,
    *,
    retention: float = RETENTION_SECONDS,
    ack_wait: float = ACK_WAIT,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Create missing streams, consumers and buckets and update those that differ, while servers come and go.

    Args:
        nc: Open connection.
        replicas: Copies of each stream, 1 or 3; a stream with another number is changed while it is used.
        retention: Seconds for which a finished job is kept.
        ack_wait: Seconds without a heartbeat after which a task is delivered again.
        patience: Seconds for all requests together.

    Raises:
        Transient: `unavailable`, if the servers do not do it within `patience`.
        nats.errors.Error: if they refuse.
    """
    js = nc.jetstream(timeout=ANSWER_SECONDS)
    deadline = time.monotonic() + patience
    for stream in STREAMS:
        await _retry_step(partial(_apply_stream, js, stream, replicas, retention), deadline)
    for consumer in CONSUMERS:
        await _retry_step(partial(_apply_consumer, js, consumer, ack_wait), deadline)
    for bucket in BUCKETS:
        await _retry_step(partial(_apply_bucket, js, bucket, replicas, retention), deadline)


async def _retry_step(step: Callable[[], Awaitable[None]], deadline: float) -> None:
    refused: APIError | None = None

    async def once() -> None:
        nonlocal refused
        try:
            await step()
        except APIError as refusal:
            facts = refusal.code, refusal.description, refusal.err_code
            if refusal.err_code in PASSING:
                refused = refusal
                raise ServiceUnavailableError(*facts) from refusal
            if refusal.err_code in REFUSED:
                raise APIError(*facts) from refusal
            raise

    try:
        await retry_until(once, deadline=deadline)
    except Transient:
        if refused is None:
            raise
        sentence = f"NATS has no place for the streams ({refused.description}); check that all its servers run."
        raise Transient(ErrorCode.UNAVAILABLE, sentence) from refused


async def _apply_consumer(js: JetStreamContext, consumer: Consumer, ack_wait: float) -> None:
    config = ConsumerConfig(
        durable_name=consumer.name,
        filter_subject=consumer.subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=ACK_PENDING_LIMIT,
    )
    await js.add_consumer(consumer.stream, config)


async def _apply_stream(js: JetStreamContext, stream: Stream, replicas: int, retention: float) -> None:
    age = BACKSTOP * retention if stream.expires else 0.0
    config = StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=stream.retention,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW if stream.limit else DiscardPolicy.OLD,
        max_msgs=stream.limit or -1,
        max_age=age,
        duplicate_window=_window(age),
        allow_direct=stream.direct,
        num_replicas=replicas,
    )
    try:
        await js.stream_info(stream.name)
    except NotFoundError:
        await js.add_stream(config)
    else:
        await js.update_stream(config)


async def _apply_bucket(js: JetStreamContext, bucket: BucketConfig, replicas: int, retention: float) -> None:
    ttl = BACKSTOP * retention if bucket.ttl == "backstop" else bucket.ttl
    seconds = float(ttl or 0)
    try:
        await js.key_value(bucket.name)
    except BucketNotFoundError:
        await js.create_key_value(
            KeyValueConfig(
                bucket=bucket.name,
                history=1,
                ttl=seconds or None,
                storage=StorageType.FILE,
                replicas=replicas,
                direct=False,
            )
        )
        return
    present = (await js.stream_info(bucket.stream)).config
    if (present.max_age or 0, present.num_replicas) != (seconds, replicas):
        wanted = present.evolve(max_age=seconds, num_replicas=replicas, duplicate_window=_window(seconds))
        await js.update_stream(wanted)


def _window(age: float) -> float:
    """Return the time for which message ids are remembered; the server takes no longer time than `age`."""
    return min(DEDUPE_SECONDS, age) if age else DEDUPE_SECONDS
