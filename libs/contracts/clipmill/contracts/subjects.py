"""The subjects of messages: every subject that clipmill publishes or reads is made here."""

from clipmill.contracts.events import EventBase
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import TaskBase

ALL_EVENTS = "clipmill.event.>"
ALL_DEAD_LETTERS = "clipmill.dead.>"

_UNDECODABLE = "clipmill.dead.undecodable"


def task(task: TaskBase) -> str:
    """Return `clipmill.task.<stage>.<priority>.<job>[.<clip>]`."""
    subject = f"clipmill.task.{task.stage}.{task.priority}.{task.job}"
    return subject if task.clip is None else f"{subject}.{task.clip}"


def tasks_of(stage: Stage, priority: Priority | None = None) -> str:
    """Return the subject of every task of a stage, of one priority or of all."""
    return f"clipmill.task.{stage}.{'>' if priority is None else f'{priority}.>'}"


def tasks_of_job(job: JobId) -> tuple[str, str]:
    """Return the two subjects that together hold every task of a job, for purging."""
    return f"clipmill.task.*.*.{job}", f"clipmill.task.*.*.{job}.>"


def event(event: EventBase) -> str:
    """Return `clipmill.event.<job>.<kind>`."""
    return f"clipmill.event.{event.job}.{event.kind}"


def events_of_job(job: JobId) -> str:
    """Return the subject of every event of a job."""
    return f"clipmill.event.{job}.>"


def dead_letter(task: TaskBase) -> str:
    """Return `clipmill.dead.<stage>.<job>[.<clip>]`."""
    subject = f"clipmill.dead.{task.stage}.{task.job}"
    return subject if task.clip is None else f"{subject}.{task.clip}"


def undecodable(subject: str) -> str:
    """Return the subject that keeps an undecodable message of `subject`."""
    return f"{_UNDECODABLE}.{subject}"


def dead_letters_of_job(job: JobId) -> tuple[str, ...]:
    """Return the subjects that together hold every dead letter of a job, undecodable ones included."""
    kept = f"clipmill.dead.*.{job}"
    return kept, f"{kept}.>", *(undecodable(subject) for subject in tasks_of_job(job))
