"""The identifier and the priority that messages carry."""

from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid4

from clipmill.contracts.failures import ErrorCode, Permanent

JobId = NewType("JobId", str)
"""A job's identifier: a UUID in its canonical lower-case form, safe in a subject, a key and a path."""


class Priority(StrEnum):
    """The urgency of a task. Each stage has one consumer per priority."""

    HIGH = "high"
    NORMAL = "normal"


def new_job_id() -> JobId:
    """Return a new random job id."""
    return JobId(str(uuid4()))


def parse_job_id(text: str) -> JobId:
    """Return `text` as a job id.

    Everything from outside is checked here before it becomes part of a subject or a key.

    Raises:
        Permanent: `bad_identifier`, `text` is not a UUID in canonical form.
    """
    try:
        parsed = str(UUID(text))
    except ValueError:
        parsed = None
    if parsed is None or parsed != text.lower():
        raise Permanent(ErrorCode.BAD_IDENTIFIER, "A job id is a UUID such as 550e8400-e29b-41d4-a716-446655440000.")
    return JobId(parsed)
