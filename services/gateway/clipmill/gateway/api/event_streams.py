"""A job's changes as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Every event has the whole view of the job, so a client needs no earlier one, and may go on at another gateway. Its id is
the stream sequence of the last event that is folded into the view. The bytes of an event are made once and shared by
all streams of the job.
"""

import asyncio
import contextlib
import time
from typing import NamedTuple

import msgspec
import structlog
from aiohttp import web
from clipmill.contracts.api import EventsEnd
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.api.answers import WAITED, job_not_found
from clipmill.gateway.api.statuses import Statuses, named_job
from clipmill.gateway.api.watching import FollowedJob, gone
from clipmill.gateway.projection.document import JobDocument, job_status, job_view
from clipmill.messaging.buckets import Entry
from prometheus_client import Gauge

log = structlog.stdlib.get_logger()

STREAMS = Gauge("clipmill_event_streams", "Event streams that are open.")

GAP_SECONDS = 0.5
"""Shortest time between two events of a stream. People see no faster progress, and later views replace earlier ones."""

HEARTBEAT_SECONDS = 15.0
"""Time without an event after which a comment is sent, "every 15 seconds or so" by the specification: proxies close
connections on which nothing comes."""

STUCK_SECONDS = 30.0
"""Time in which a client has to take what it was sent; then its connection is closed, and the client connects again.
Until then nothing more is written for it, so that a slow client costs the memory of one event."""

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
HEARTBEAT = b":\n\n"
FIRST = b"retry: 2000\n\n"
"""The pause in ms before a client connects again. Browsers wait for 3 to 5 s by default."""

DELETED = "deleted"


class Frame(NamedTuple):
    """The present event of a job.

    Attributes:
        id: Id of the event, empty if the job was deleted.
        event: Bytes of the event.
        end: Bytes of the event `end`, empty while the job has something left to do.
    """

    id: str
    event: bytes
    end: bytes


class EventStreams:
    """`GET /api/jobs/<job>/events`.

    Args:
        statuses: Statuses of jobs.
    """

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send the view of a job now and after each change, until the job has nothing left to do.

        A client that names the present event in `Last-Event-ID` gets the next one first.

        Raises:
            Transient: `unavailable`, NATS did not answer in time.
        """
        job = named_job(request)
        if job is None:
            return job_not_found()
        with self._statuses.watch.follow(job) as followed:
            if (await followed.refresh()).data is None:
                return job_not_found()
            response = web.StreamResponse(headers=HEADERS)
            begun = time.perf_counter()
            with STREAMS.track_inprogress(), contextlib.suppress(ConnectionError):  # the client may leave any time
                await response.prepare(request)
                await response.write(FIRST)
                await _send(request, response, followed)
            request[WAITED] = time.perf_counter() - begun
            return response


async def _send(request: web.Request, response: web.StreamResponse, followed: FollowedJob) -> None:
    sent = request.headers.get("Last-Event-ID")
    while not (gone(request) or followed.stopping):
        await _taken(request)
        frame, revision = followed.shown(_frame), followed.revision
        changed = bool(frame.id) and frame.id != sent
        if changed or frame.end:
            await _write(request, response, (frame.event if changed else b"") + frame.end)
            if frame.end:
                return
            sent = frame.id
            await asyncio.sleep(GAP_SECONDS)
        await followed.change(revision, HEARTBEAT_SECONDS, request)
        if followed.revision == revision and not followed.stopping:
            await _taken(request)
            await _write(request, response, HEARTBEAT)


async def _taken(request: web.Request) -> None:
    """Wait until the client has taken what was written before.

    Raises:
        ConnectionResetError: it did not within `STUCK_SECONDS`, or has left.
    """
    until = time.monotonic() + STUCK_SECONDS
    while (transport := request.transport) is not None and transport.get_write_buffer_size():
        if time.monotonic() >= until:
            log.info("event_stream_dropped", path=request.path)
            transport.abort()
            raise ConnectionResetError
        await asyncio.sleep(GAP_SECONDS)


async def _write(request: web.Request, response: web.StreamResponse, data: bytes) -> None:
    """Write `data`; a large event that is not taken in time ends the connection."""
    try:
        async with asyncio.timeout(STUCK_SECONDS):
            await response.write(data)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from None


def _frame(job: JobId, entry: Entry[JobDocument]) -> Frame:
    document = entry.value
    if document is None:
        return Frame("", b"", _end(job, DELETED))
    view = msgspec.json.encode(job_view(document))
    event = b"id: %d\ndata: %b\n\n" % (document.sequence, view)
    over = document.state.terminal and not document.wanted
    return Frame(str(document.sequence), event, _end(job, job_status(document)) if over else b"")


def _end(job: JobId, status: str) -> bytes:
    return b"event: end\ndata: %b\n\n" % msgspec.json.encode(EventsEnd(job_id=job, status=status))
