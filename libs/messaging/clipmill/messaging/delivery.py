"""One delivery of a task: its heartbeats, and settling it at most once."""

import time
from dataclasses import dataclass

import nats.errors
from clipmill.contracts.tasks import Task
from clipmill.messaging.connection import OUTAGE, reraise_cancel
from clipmill.operations import logs
from nats.aio.client import Client
from nats.aio.msg import Msg

log = logs.get_logger(__name__)

ACK_TRIES = 2
"""Tries at an acknowledgement: the server never answers for a delivery it has forgotten, so the worker moves on."""

ACK_SECONDS = 1.0
"""Wait for the answer to an acknowledgement or a heartbeat."""

MARGIN = 0.1
"""Share by which a worker shortens the ack wait before it regards itself as superseded. The server counts from the
moment at which it sends a task, the worker from the later moment at which it receives the task."""

IN_PROGRESS = b"+WPI"
"""JetStream's message for a task that is still being worked on."""


@dataclass
class Standing:
    """This worker's claim to a delivery, as far as the worker can know.

    Attributes:
        ack_wait: Seconds without a heartbeat after which the server gives the task to another worker.
        beaten: Time of the last heartbeat, on a monotonic clock.
    """

    ack_wait: float
    beaten: float

    def beat(self, now: float) -> None:
        """Note a heartbeat that the server received; one that comes too late changes nothing."""
        if not self.superseded(now):
            self.beaten = now

    def superseded(self, now: float) -> bool:
        """Return whether the server may have given the task to another worker."""
        return now - self.beaten > self.ack_wait * (1 - MARGIN)


class Delivery:
    """A task's message, delivered to this worker.

    A superseded delivery may still be acknowledged, because the work is done. Refusing it or giving it back would
    affect the new worker's delivery.

    Args:
        nc: Connection over which it came.
        message: Message as it came.
        task: Decoded task.
        ack_wait: Ack wait of its consumer, in seconds.

    Attributes:
        task: Decoded task.
        begun: Time when it came, on a monotonic clock.
        done: True once the handler has returned; only the acknowledgement is left.
    """

    def __init__(self, nc: Client, message: Msg, task: Task, ack_wait: float) -> None:
        self.task = task
        self.begun = time.monotonic()
        self.done = False
        self._nc = nc
        self._message = message
        self._standing = Standing(ack_wait, self.begun)

    @property
    def superseded(self) -> bool:
        """True if the server may have given the task to another worker."""
        return self._standing.superseded(time.monotonic())

    async def beat(self) -> bool:
        """Send a heartbeat and return whether the server confirmed it."""
        said = time.monotonic()
        try:
            await reraise_cancel(self._nc.request(self._message.reply, IN_PROGRESS, timeout=ACK_SECONDS))
        except (*OUTAGE, nats.errors.Error) as reason:
            log.debug("heartbeat_unheard", reason=str(reason) or type(reason).__name__)
            return False
        self._standing.beat(said)
        return True

    async def finish(self) -> bool:
        """Acknowledge the task and return whether the server confirmed it."""
        for _ in range(ACK_TRIES):
            try:
                await self._message.ack_sync(ACK_SECONDS)
            except (*OUTAGE, nats.errors.Error) as reason:
                log.warning("ack_unanswered", reason=str(reason) or type(reason).__name__)
            else:
                return True
        return False

    async def refuse(self) -> None:
        """Remove the task, so that nobody does it."""
        if not self.superseded:
            await self._message.term()

    async def give_back(self, delay: float = 0.0) -> None:
        """Let the task be delivered again, after `delay` seconds."""
        if not self.superseded:
            await self._message.nak(delay or None)
