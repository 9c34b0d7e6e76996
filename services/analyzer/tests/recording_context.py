"""A context for tests of handlers without a queue."""

import structlog
from clipmill.contracts.events import Event
from clipmill.contracts.tasks import Task


class RecordingContext:
    """Replaces the delivery of a task and records the events and tasks of a handler."""

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
        """Return the lines of the job's log, except the first line of the stage."""
        return [event.line for event in self.events if event.kind == "log"]
