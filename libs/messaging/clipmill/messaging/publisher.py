"""Publishing of tasks, events and dead letters, each under an id that stays the same when it is published again."""

import time

import msgspec
import structlog
from clipmill.contracts import codec, subjects
from clipmill.contracts.events import Event, EventBase
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.tasks import TaskBase
from clipmill.messaging.connection import REQUEST_SECONDS, retry_until
from clipmill.messaging.dead_letters import DeadLetter
from nats.aio.client import Client
from nats.js.api import PubAck
from nats.js.errors import APIError, ServiceUnavailableError
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

STREAM_FULL = 10077
"""Error code for "maximum messages exceeded"; outages raise the same class with other codes."""

BEING_STORED = 10158
"""Error code of a cluster that is just storing a message with the same id, and may still fail to store it."""

EVENTS_PUBLISHED = Counter("clipmill_events_published_total", "Events stored in the EVENTS stream, by kind.", ["kind"])


def busy() -> Transient:
    """Return the failure of a submission while the first stage is full."""
    return Transient(ErrorCode.BUSY, "Too many videos are waiting already; try again later.", retry_after=30)


def now() -> float:
    """Return the time as events carry it: Unix time in seconds, to the millisecond."""
    return round(time.time(), 3)


class Publisher:
    """Publishes until the server has stored the message, however long an outage lasts.

    Every message has a deterministic `Nats-Msg-Id`: within the server's window, publishing again after an unknown
    outcome stores nothing twice. Readers recognise later duplicates.
    """

    def __init__(self, nc: Client) -> None:
        self._js = nc.jetstream(timeout=REQUEST_SECONDS)

    async def task(self, task: TaskBase, *, deadline: float | None = None) -> PubAck:
        """Publish `task` to its stage.

        Args:
            task: Task to be done.
            deadline: Time (`time.monotonic()`) after which an outage is raised, None to repeat forever.

        Raises:
            Transient: `busy` if the stage is full, `unavailable` after the deadline.
        """
        return await self._publish(subjects.task(task), codec.encode(task), task.message_id, deadline)

    async def event(self, event: Event, *, deadline: float | None = None) -> PubAck:
        """Publish `event`, with the present time unless it has one.

        Args:
            event: Event to be stored.
            deadline: Time (`time.monotonic()`) after which an outage is raised, None to repeat forever.

        Raises:
            Transient: `unavailable` after the deadline.
        """
        stamped: EventBase = event if event.at else msgspec.structs.replace(event, at=now())
        ack = await self._publish(subjects.event(stamped), codec.encode(stamped), stamped.message_id, deadline)
        if not ack.duplicate:
            EVENTS_PUBLISHED.labels(event.kind).inc()
        return ack

    async def dead_letter(self, task: TaskBase, letter: DeadLetter) -> PubAck:
        """Keep `task` and the reason why it was given up."""
        return await self._publish(
            subjects.dead_letter(task), codec.encode(letter), f"dead.{task.message_id}", deadline=None
        )

    async def undecodable(self, data: bytes, subject: str) -> PubAck:
        """Keep a message that this version cannot decode."""
        return await self._publish(subjects.undecodable(subject), data, None, deadline=None)

    async def _publish(self, subject: str, payload: bytes, message_id: str | None, deadline: float | None) -> PubAck:
        headers = None if message_id is None else {"Nats-Msg-Id": message_id}

        async def once() -> PubAck:
            try:
                return await self._js.publish(subject, payload, headers=headers)
            except APIError as refusal:
                if refusal.err_code == STREAM_FULL:
                    raise busy() from refusal
                if refusal.err_code == BEING_STORED:
                    raise ServiceUnavailableError(refusal.code, refusal.description, refusal.err_code) from refusal
                raise

        ack = await retry_until(once, deadline=deadline)
        if ack.duplicate:
            log.debug("duplicate_published", message_id=message_id)
        return ack
