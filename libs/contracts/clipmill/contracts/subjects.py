"""Where messages go. Every subject that clipmill publishes or reads is made here."""

from clipmill.contracts.events import EventBase
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import TaskBase

ALL_EVENTS = "clipmill.event.>"
ALL_DEAD_LETTERS = "clipmill.dead.>"

_UNDECODABLE = "clipmill.dead.undecodable"


def task(task: TaskBase) -> str:
    """`clipmill.task.<stage>.<priority>.<job>[.<clip>]`."""
    subject = f"clipmill.task.{task.stage}.{task.priority}.{task.job}"
    return subject if task.clip is None else f"{subject}.{task.clip}"


def tasks_of(stage: Stage, priority: Priority | None = None) -> str:
    """Every task of a stage, of one priority or of all."""
    return f"clipmill.task.{stage}.{'>' if priority is None else f'{priority}.>'}"


def tasks_of_job(job: JobId) -> tuple[str, str]:
    """The two subjects that together hold every task of a job, for purging."""
    return f"clipmill.task.*.*.{job}", f"clipmill.task.*.*.{job}.>"


def event(event: EventBase) -> str:
    """`clipmill.event.<job>.<kind>`."""
    return f"clipmill.event.{event.job}.{event.kind}"


def events_of_job(job: JobId) -> str:
    """Every event of a job."""
    return f"clipmill.event.{job}.>"


def dead_letter(task: TaskBase) -> str:
    """`clipmill.dead.<stage>.<job>[.<clip>]`."""
    subject = f"clipmill.dead.{task.stage}.{task.job}"
    return subject if task.clip is None else f"{subject}.{task.clip}"


def undecodable(subject: str) -> str:
    """Where a message of `subject` that nobody can decode is kept."""
    return f"{_UNDECODABLE}.{subject}"


def dead_letters_of_job(job: JobId) -> tuple[str, ...]:
    """The subjects that together hold every dead letter of a job, those that nobody can decode included."""
    kept = f"clipmill.dead.*.{job}"
    return kept, f"{kept}.>", *(undecodable(subject) for subject in tasks_of_job(job))
