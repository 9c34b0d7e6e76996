"""`clipmill dead-letters`: what was given up, and doing it again."""

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
        id: names it in `show`, `retry` and `drop`.
        at: when it was given up, Unix time in seconds.
        job: whose work it is, None where nobody can tell.
        stage: that gave up, None where nobody can decode the message.
        clip: the clip it is about, None for the whole job.
        code: why, for machines.
        sentence: why, for people.
        attempts: how often it was tried.
        task: what was to be done, None where nobody can decode it.
        message: as it came, where nobody can decode it; what is not UTF-8 is replaced.
    """

    id: int
    at: float
    job: JobId | None
    stage: Stage | None = None
    clip: int | None = None
    code: ErrorCode | None = None
    sentence: str = "Nobody can decode this message; perhaps a later version of clipmill sent it."
    attempts: int = 0
    task: Task | None = None
    message: str | None = None


def view(kept: KeptLetter) -> LetterView:
    """Return `kept` as it is shown."""
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
    """Print the table of `letters`, or that there are none."""
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
    """Print all there is to say of `letter`."""
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
    """Return a sentence about what a retry came to."""
    what = f"job {retried.job}" if retried.clip is None else f"clip {retried.clip} of job {retried.job}"
    removed = len(retried.removed)
    letters = "1 letter is" if removed == 1 else f"{removed} letters are"
    sentence = {
        Outcome.REOPENED: f"Work on {what} begins anew",
        Outcome.TAKEN_UP: f"A retry of {what} that was broken off is finished: the work begins anew",
        Outcome.ANSWERED: f"Work on {what} had begun anew already",
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
