"""The streams, consumers and buckets of clipmill and their limits, in one place.

`apply` creates or updates them all and may run any number of times; services only use what it made.
"""

from dataclasses import dataclass

from clipmill.contracts import subjects
from clipmill.contracts.identifiers import Priority, Stage
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
from nats.js.errors import BucketNotFoundError, NotFoundError

INTAKE = "INTAKE"
TASKS = "TASKS"
EVENTS = "EVENTS"
DEAD_LETTERS = "DEAD_LETTERS"

ACK_WAIT = 30.0
"""Seconds after its last sign of life that a worker's task goes to another one."""

ACK_PENDING_LIMIT = 100_000
"""Tasks that a consumer may have out at once: delayed retries count, so it is far above any number of workers."""

INTAKE_LIMIT = 10_000
"""Submissions that may wait: above it the gateway refuses new ones, the only place where work is refused."""

DEDUPE_SECONDS = 120.0
"""How long the server remembers message ids; handlers are idempotent, so this only saves work."""

LEASE_SECONDS = 4.0
"""How long the projector's lease outlives its holder: a takeover takes at most this and a tenth."""

RETENTION_SECONDS = 7 * 24 * 3600.0
"""How long a finished job is kept by default, seconds."""

BACKSTOP = 4
"""Streams and buckets keep what belongs to a job this many retentions long: the sweeper ends jobs, not the server."""


@dataclass(frozen=True)
class Stream:
    """A stream's name, what it takes and how it keeps it.

    Attributes:
        name: as NATS knows it.
        subjects: what it stores.
        retention: whether an acknowledged message goes (work queue) or stays (limits).
        limit: the most messages it holds, None for no limit; beyond it publishing is refused.
        direct: whether it answers reads by position without a consumer.
        expires: whether messages go after the backstop age.
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
        name: as NATS knows it.
        stream: where it reads.
        subject: what it delivers.
    """

    name: str
    stream: str
    subject: str


@dataclass(frozen=True)
class Bucket:
    """A key-value bucket.

    Attributes:
        name: as NATS knows it.
        ttl: seconds after which a key goes: a number, "backstop", or None for never.
    """

    name: str
    ttl: float | str | None


LATER_STAGES = (Stage.TRANSCRIBE, Stage.SCENES, Stage.ANALYZE, Stage.RENDER)

STREAMS = (
    Stream(INTAKE, (subjects.tasks_of(Stage.DOWNLOAD),), RetentionPolicy.WORK_QUEUE, limit=INTAKE_LIMIT),
    Stream(TASKS, tuple(subjects.tasks_of(stage) for stage in LATER_STAGES), RetentionPolicy.WORK_QUEUE),
    Stream(EVENTS, (subjects.ALL_EVENTS,), RetentionPolicy.LIMITS, direct=True, expires=True),
    Stream(DEAD_LETTERS, ("clipmill.dead.>",), RetentionPolicy.LIMITS, expires=True),
)

JOBS = Bucket("jobs", "backstop")
CONTROL = Bucket("control", "backstop")
ATTEMPTS = Bucket("attempts", "backstop")
SECRETS = Bucket("secrets", "backstop")
LEASE = Bucket("lease", LEASE_SECONDS)
CHECKPOINT = Bucket("checkpoint", None)
BUCKETS = (JOBS, CONTROL, ATTEMPTS, SECRETS, LEASE, CHECKPOINT)


def stream_of(stage: Stage) -> str:
    """Return the name of the stream that holds a stage's tasks."""
    return INTAKE if stage is Stage.DOWNLOAD else TASKS


def consumer_of(stage: Stage, priority: Priority) -> str:
    """Return the name of the consumer that delivers a stage's tasks of one priority."""
    return f"{stage}_{priority}"


CONSUMERS = tuple(
    Consumer(consumer_of(stage, priority), stream_of(stage), subjects.tasks_of(stage, priority))
    for stage in Stage
    for priority in Priority
)


async def apply(
    nc: Client, replicas: int = 1, *, retention: float = RETENTION_SECONDS, ack_wait: float = ACK_WAIT
) -> None:
    """Create what is missing and update what differs.

    Args:
        nc: an open connection.
        replicas: copies of each stream, 1 or 3.
        retention: seconds that a finished job is kept.
        ack_wait: seconds of silence after which a task is delivered again.

    Raises:
        nats.errors.Error: if the server refuses or cannot be reached.
    """
    js = nc.jetstream(timeout=10)
    for stream in STREAMS:
        await _apply_stream(js, stream, replicas, retention)
    for consumer in CONSUMERS:
        await js.add_consumer(
            consumer.stream,
            ConsumerConfig(
                durable_name=consumer.name,
                filter_subject=consumer.subject,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ack_wait,
                max_deliver=-1,
                max_ack_pending=ACK_PENDING_LIMIT,
            ),
        )
    for bucket in BUCKETS:
        await _apply_bucket(js, bucket, replicas, retention)


async def _apply_stream(js: JetStreamContext, stream: Stream, replicas: int, retention: float) -> None:
    config = StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=stream.retention,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW if stream.limit else DiscardPolicy.OLD,
        max_msgs=stream.limit or -1,
        max_age=BACKSTOP * retention if stream.expires else 0,
        duplicate_window=DEDUPE_SECONDS,
        allow_direct=stream.direct,
        num_replicas=replicas,
    )
    try:
        await js.stream_info(stream.name)
    except NotFoundError:
        await js.add_stream(config)
    else:
        await js.update_stream(config)


async def _apply_bucket(js: JetStreamContext, bucket: Bucket, replicas: int, retention: float) -> None:
    ttl = BACKSTOP * retention if bucket.ttl == "backstop" else bucket.ttl
    seconds = None if ttl is None else float(ttl)
    try:
        await js.key_value(bucket.name)
    except BucketNotFoundError:
        await js.create_key_value(
            KeyValueConfig(
                bucket=bucket.name, history=1, ttl=seconds, storage=StorageType.FILE, replicas=replicas, direct=False
            )
        )
        return
    info = await js.stream_info(f"KV_{bucket.name}")
    wanted = info.config.evolve(max_age=seconds or 0, num_replicas=replicas)
    if (info.config.max_age or 0, info.config.num_replicas) != (wanted.max_age, replicas):
        await js.update_stream(wanted)
