"""The answers of workers to the server about their tasks."""

from clipmill.messaging.topology import INTAKE, TASKS
from nats.aio.client import Client
from nats.aio.msg import Msg


class Deliveries:
    """The deliveries of tasks that a worker has answered, if only by a heartbeat."""

    def __init__(self) -> None:
        self._heard: set[tuple[str, str, int]] = set()

    async def listen(self, nc: Client) -> None:
        """Listen from now on to `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.…`, where workers answer."""
        for stream in (INTAKE, TASKS):
            await nc.subscribe(f"$JS.ACK.{stream}.>", cb=self._answered)

    @property
    def count(self) -> int:
        """Return the number of deliveries."""
        return len(self._heard)

    @property
    def again(self) -> int:
        """Return the number of deliveries that were not a task's first."""
        return sum(delivered > 1 for *_, delivered in self._heard)

    async def _answered(self, message: Msg) -> None:
        _, _, stream, _, delivered, sequence, *_ = message.subject.split(".")
        self._heard.add((stream, sequence, int(delivered)))
