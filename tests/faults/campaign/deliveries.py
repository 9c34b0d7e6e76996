"""Hearing what workers say to the server about their tasks."""

from clipmill.messaging.topology import INTAKE, TASKS
from nats.aio.client import Client
from nats.aio.msg import Msg


class Deliveries:
    """The deliveries of tasks that any worker has answered for, if only by a sign of life."""

    def __init__(self) -> None:
        self._heard: set[tuple[str, str, int]] = set()

    async def listen(self, nc: Client) -> None:
        """Listen from now on: `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.…` is where workers answer."""
        for stream in (INTAKE, TASKS):
            await nc.subscribe(f"$JS.ACK.{stream}.>", cb=self._answered)

    @property
    def count(self) -> int:
        """How many deliveries there were."""
        return len(self._heard)

    @property
    def again(self) -> int:
        """How many of them were not a task's first."""
        return sum(delivered > 1 for *_, delivered in self._heard)

    async def _answered(self, message: Msg) -> None:
        _, _, stream, _, delivered, sequence, *_ = message.subject.split(".")
        self._heard.add((stream, sequence, int(delivered)))
