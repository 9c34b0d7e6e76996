"""Tasks that nobody will do any more, kept with the reason."""

from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.tasks import Task
from msgspec import Struct


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A task that was given up.

    Attributes:
        task: what was to be done, as it was asked for.
        code: why it was given up, for machines.
        sentence: why, for people.
        attempts: how often it was tried.
        at: when it was given up, Unix time in seconds.
    """

    task: Task
    code: ErrorCode
    sentence: str
    attempts: int
    at: float
