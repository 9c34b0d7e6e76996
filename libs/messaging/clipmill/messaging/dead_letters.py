"""Tasks that were given up, kept with the reason until an operator drops or retries them."""

import time
from collections.abc import AsyncGenerator
from contextlib import suppress

import msgspec
from clipmill.contracts import subjects
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.tasks import Task
from clipmill.messaging.connection import retry_until
from clipmill.messaging.job_streams import StoredMessage, stored, stored_under
from clipmill.messaging.topology import DEAD_LETTERS
from msgspec import Struct
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError, ServerError

NOT_DELETED = 10057
"""Error code of a message that cannot be deleted, mostly because somebody else has deleted it."""


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A task that was given up.

    Attributes:
        task: Task as it was submitted.
        code: Reason, for machines.
        sentence: Reason, for people.
        attempts: Number of attempts.
        at: Time when the task was given up, Unix time in seconds.
    """

    task: Task
    code: ErrorCode
    sentence: str
    attempts: int
    at: float


class KeptLetter(Struct, frozen=True, kw_only=True):
    """A message of the DEAD_LETTERS stream.

    Attributes:
        id: Sequence number of the message, which is never reused.
        subject: Subject of the message.
        at: Time when the server stored it, Unix time in seconds.
        letter: Decoded letter, None if this version cannot decode it.
        data: Message as it was stored.
    """

    id: int
    subject: str
    at: float
    letter: DeadLetter | None
    data: bytes


class DeadLetters:
    """The DEAD_LETTERS stream, read from its leader.

    Args:
        js: JetStream context.
        patience: Time for which each request is repeated, in seconds; after it, the request raises `Transient`,
            `unavailable`.
    """

    def __init__(self, js: JetStreamContext, *, patience: float) -> None:
        self._js = js
        self._patience = patience

    async def all(self, job: JobId | None = None) -> list[KeptLetter]:
        """Return the letters of `job`, or of all jobs, newest first."""
        filters = (subjects.ALL_DEAD_LETTERS,) if job is None else subjects.dead_letters_of_job(job)
        found = [kept for subject in filters async for kept in self._under(subject)]
        return sorted(found, key=lambda kept: kept.id, reverse=True)

    async def get(self, number: int) -> KeptLetter:
        """Return the letter with the id `number`.

        Raises:
            Permanent: `not_found`, if there is none.
        """
        try:
            message = await retry_until(lambda: self._js.get_msg(DEAD_LETTERS, seq=number), deadline=self._deadline())
        except NotFoundError:
            raise _missing(number) from None
        return _kept(stored(message))

    async def drop(self, number: int) -> None:
        """Remove the letter with the id `number`.

        Raises:
            Permanent: `not_found`, if there is none.
        """
        await self.get(number)
        await self.forget(number)

    async def forget(self, number: int) -> None:
        """Remove the letter with the id `number` if it is still there."""

        async def once() -> None:
            try:
                await self._js.delete_msg(DEAD_LETTERS, number)
            except ServerError as error:
                if error.err_code != NOT_DELETED:
                    raise
                await self._js.get_msg(DEAD_LETTERS, seq=number)  # raises NotFoundError if it is gone already
                raise

        with suppress(NotFoundError):
            await retry_until(once, deadline=self._deadline())

    async def _under(self, subject: str) -> AsyncGenerator[KeptLetter, None]:
        async for message in stored_under(self._js, DEAD_LETTERS, subject, self._deadline):
            yield _kept(message)

    def _deadline(self) -> float:
        return time.monotonic() + self._patience


def _missing(number: int) -> Permanent:
    sentence = (
        f"There is no dead letter {number}; if there was one, it was retried or dropped, or it has expired. "
        "List the dead letters with `clipmill dead-letters list`."
    )
    return Permanent(ErrorCode.NOT_FOUND, sentence)


def _kept(message: StoredMessage) -> KeptLetter:
    try:
        letter = msgspec.json.decode(message.data, type=DeadLetter)
    except msgspec.DecodeError:
        letter = None
    return KeptLetter(id=message.sequence, subject=message.subject, at=message.at, letter=letter, data=message.data)
