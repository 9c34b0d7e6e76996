"""Which jobs have a task: waiting, or in the hands of a worker."""

import time
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec
from clipmill.messaging.connection import REQUEST_SECONDS, insist
from clipmill.messaging.topology import INTAKE, TASKS
from msgspec import Struct
from nats.aio.client import Client
from nats.js.errors import APIError

JOB = 4
"""The place of the job in a task's subject."""


class OpenTasks(NamedTuple):
    """What there is to do.

    Attributes:
        jobs: which have a task.
        at: when the server began to answer, Unix time in seconds by its clock.
    """

    jobs: frozenset[str]
    at: float


class _State(Struct, frozen=True):
    subjects: dict[str, int] | None = None


class _Page(Struct, frozen=True):
    """A part of a stream's subjects, as the server hands them out: at most 100,000 at a time."""

    ts: datetime | None = None
    total: int = 0
    state: _State = _State()
    error: dict[str, object] | None = None


async def read_open_tasks(nc: Client, *, answer_seconds: float) -> OpenTasks:
    """Return which jobs have a task.

    The first stage's stream is read first: a task that goes on to the next one while this looks is then seen there.

    Args:
        nc: an open connection.
        answer_seconds: how long NATS may take for each answer.

    Raises:
        Transient: `unavailable`, when it takes longer.
    """
    jobs: set[str] = set()
    at: list[float] = []
    for stream in (INTAKE, TASKS):
        seen, total = 0, 1
        while seen < total:
            deadline = time.monotonic() + answer_seconds
            page = await insist(partial(_page, nc, stream, seen), deadline=deadline)
            names = page.state.subjects or {}
            jobs.update(_jobs(names))
            seen, total = seen + len(names), page.total if names else 0
            at += [page.ts.timestamp()] if page.ts else []
    return OpenTasks(frozenset(jobs), min(at))


async def _page(nc: Client, stream: str, offset: int) -> _Page:
    request = msgspec.json.encode({"subjects_filter": ">", "offset": offset})
    answer = await nc.request(f"$JS.API.STREAM.INFO.{stream}", request, timeout=REQUEST_SECONDS)
    page = msgspec.json.decode(answer.data, type=_Page)
    if page.error is not None:
        APIError.from_error(page.error)
    return page


def _jobs(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield name.split(".")[JOB]
