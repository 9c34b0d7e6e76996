"""What stands in for a task's delivery where there is no queue."""

import structlog
from clipmill.contracts.events import Event
from clipmill.contracts.tasks import Task


class RecordingContext:
    """Stands in for the delivery: keeps what a handler says and asks for."""

    def __init__(self, attempt: int = 1, secret: str | None = None) -> None:
        self.attempt = attempt
        self.log = structlog.stdlib.get_logger()
        self.events: list[Event] = []
        self.tasks: list[Task] = []
        self.percents: list[float] = []
        self._secret = secret

    async def emit(self, event: Event) -> None:
        self.events.append(event)

    async def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def progress(self, percent: float) -> None:
        self.percents.append(percent)

    async def secret(self) -> str | None:
        return self._secret

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def lines(self) -> list[str]:
        """What the job's log says but for the stage's first line."""
        return [event.line for event in self.events if event.kind == "log"]
