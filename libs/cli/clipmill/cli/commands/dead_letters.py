"""`clipmill dead-letters`: tasks that were given up, and their retry."""

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

import msgspec
from clipmill.cli.screen.display import printable
from clipmill.cli.screen.tables import new_table, print_table
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId, parse_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import Task
from clipmill.messaging.dead_letters import KeptLetter
from clipmill.messaging.reopening import Outcome, Retried
from msgspec import Struct
from rich.text import Text


class LetterView(Struct, frozen=True, kw_only=True):
    """A dead letter as `--json` prints it.

    Attributes:
        id: Id for `show`, `retry` and `drop`.
        at: Time when the task was given up, Unix time in seconds.
        job: Job of the task, None if it is unknown.
        stage: Stage that gave up, None if the message cannot be decoded.
        clip: Clip of the task, None for the whole job.
        code: Reason, for machines.
        sentence: Reason, for people.
        attempts: Number of attempts.
        task: Task that was given up, None if the message cannot be decoded.
        message: Message that cannot be decoded, else None; bytes that are not UTF-8 are replaced.
    """

    id: int
    at: float
    job: JobId | None
    stage: Stage | None = None
    clip: int | None = None
    code: ErrorCode | None = None
    sentence: str = "This message cannot be decoded. If a later version of clipmill sent it, update this one."
    attempts: int = 0
    task: Task | None = None
    message: str | None = None


def view(kept: KeptLetter) -> LetterView:
    """Return the view of `kept`."""
    letter = kept.letter
    if letter is None:
        message = kept.data.decode(errors="replace")
        return LetterView(id=kept.id, at=kept.at, job=_job_in(kept.subject), message=message)
    return LetterView(
        id=kept.id,
        at=letter.at,
        job=letter.task.job,
        stage=letter.task.stage,
        clip=letter.task.clip,
        code=letter.code,
        sentence=letter.sentence,
        attempts=letter.attempts,
        task=letter.task,
    )


def print_letters(letters: Sequence[LetterView], out: TextIO) -> None:
    """Print a table of `letters`, or a sentence if there are none."""
    if not letters:
        out.write("There are no dead letters.\n")
        return
    table = new_table()
    for name in ("id", "given up", "job", "what", "tries", "code"):
        table.add_column(name, no_wrap=True, justify="right" if name in {"id", "tries"} else "left")
    table.add_column("why", overflow="fold")
    for letter in letters:
        table.add_row(
            str(letter.id),
            _when(letter.at),
            letter.job or "?",
            _what(letter),
            str(letter.attempts or "?"),
            letter.code or "undecodable",
            Text(printable(letter.sentence)),
        )
    print_table(table, out)


def print_letter(letter: LetterView, out: TextIO) -> None:
    """Print everything about `letter`."""
    lines = [
        f"letter    {letter.id}",
        f"given up  {_when(letter.at)}",
        f"job       {letter.job or '?'}",
        f"what      {_what(letter)}",
        f"tries     {letter.attempts or '?'}",
        f"code      {letter.code or 'undecodable'}",
        f"why       {printable(letter.sentence)}",
    ]
    if letter.task is not None:
        lines += ["task", msgspec.json.format(msgspec.json.encode(letter.task), indent=2).decode()]
    if letter.message is not None:
        lines += ["message", printable(letter.message)]
    out.write("\n".join(lines) + "\n")


def describe_retry(retried: Retried) -> str:
    """Return a sentence about the result of a retry."""
    what = f"job {retried.job}" if retried.clip is None else f"clip {retried.clip} of job {retried.job}"
    removed = len(retried.removed)
    letters = "1 dead letter is" if removed == 1 else f"{removed} dead letters are"
    sentence = {
        Outcome.REOPENED: f"Work on {what} starts again",
        Outcome.TAKEN_UP: f"An earlier retry of {what} had been interrupted and is now complete; the work starts again",
        Outcome.ANSWERED: f"Work on {what} had already started again",
    }[retried.outcome]
    return f"{sentence} (generation {retried.generation}); {letters} removed."


def _what(letter: LetterView) -> str:
    if letter.stage is None:
        return "?"
    return letter.stage if letter.clip is None else f"{letter.stage} clip {letter.clip}"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _job_in(subject: str) -> JobId | None:
    for part in subject.split("."):
        try:
            return parse_job_id(part)
        except Permanent:
            continue
    return None
