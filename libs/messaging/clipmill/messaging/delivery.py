"""One delivery of a task: saying that it is alive, and settling it at most once."""

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
"""A delivery that the server has forgotten is never answered: after two tries the worker moves on."""

ACK_SECONDS = 1.0
"""How long the server has to answer an acknowledgement or a beat."""

MARGIN = 0.1
"""Share of the ack wait by which a worker thinks itself superseded too early rather than too late: the server counts
from its sending of a task, the worker from its coming."""

IN_PROGRESS = b"+WPI"
"""JetStream's word for "the work goes on"."""


@dataclass
class Standing:
    """Whether a delivery is still this worker's, as far as it can know.

    Attributes:
        ack_wait: seconds after its last sign of life that the server gives a task to another worker.
        beaten: when that sign was, on a monotonic clock.
    """

    ack_wait: float
    beaten: float

    def beat(self, now: float) -> None:
        """Note a sign of life that the server has heard; one that comes too late saves nothing."""
        if not self.superseded(now):
            self.beaten = now

    def superseded(self, now: float) -> bool:
        """Whether the server may have given the task to another worker."""
        return now - self.beaten > self.ack_wait * (1 - MARGIN)


class Delivery:
    """A task's message in this worker's hands.

    Once it is superseded it may still be acknowledged, since the work is done whoever did it; refusing it or giving it
    back would hit the new worker's delivery.

    Args:
        nc: the connection it came over.
        message: as it came.
        task: what it asks for.
        ack_wait: of its consumer, seconds.

    Attributes:
        task: what it asks for.
        begun: when it came, on a monotonic clock.
        done: whether the handler has returned: then only the acknowledgement is left.
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
        """Whether the server may have given the task to another worker."""
        return self._standing.superseded(time.monotonic())

    async def beat(self) -> bool:
        """Say that the work goes on, and wait for the server to hear it; returns whether it did."""
        said = time.monotonic()
        try:
            await reraise_cancel(self._nc.request(self._message.reply, IN_PROGRESS, timeout=ACK_SECONDS))
        except (*OUTAGE, nats.errors.Error) as reason:
            log.debug("beat_unheard", reason=str(reason) or type(reason).__name__)
            return False
        self._standing.beat(said)
        return True

    async def finish(self) -> bool:
        """Acknowledge, and wait for the server to say so; returns whether it did."""
        for _ in range(ACK_TRIES):
            try:
                await self._message.ack_sync(ACK_SECONDS)
            except (*OUTAGE, nats.errors.Error) as reason:
                log.warning("ack_unanswered", reason=str(reason) or type(reason).__name__)
            else:
                return True
        return False

    async def refuse(self) -> None:
        """Remove the task: nobody is to do it."""
        if not self.superseded:
            await self._message.term()

    async def give_back(self, delay: float = 0.0) -> None:
        """Let the task be delivered again, after `delay` seconds."""
        if not self.superseded:
            await self._message.nak(delay or None)
