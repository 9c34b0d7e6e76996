"""A connection to NATS that outlives the server: it reconnects forever, and calls are repeated until answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats.errors
import nats.js.errors
import structlog
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.operations.settings import SettingsError
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, NoRespondersError, OutboundBufferLimitError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import NoStreamResponseError, ServerError, ServiceUnavailableError

T = TypeVar("T")

log = structlog.stdlib.get_logger()

OUTAGE = (
    NatsTimeoutError,
    NoRespondersError,
    NoStreamResponseError,
    ServiceUnavailableError,
    ServerError,
    OutboundBufferLimitError,
)
"""Errors of a call while the server restarts, elects a leader, is away or has no room; the call may be repeated."""

NatsClient = Client
"""An open connection to NATS, for callers that import this package and not NATS itself."""

NatsError = nats.errors.Error
"""Any error of NATS, for callers that import this package and not NATS itself."""

MissingError = nats.js.errors.NotFoundError
"""Error of a call whose stream or bucket, or the message in it, does not exist."""

REQUEST_SECONDS = 2.0
"""Wait for the answer to one JetStream request before it is repeated."""

RECONNECT_SECONDS = 0.25

PING_SECONDS = 3
"""Time between two pings of the server. The client gives up a server that leaves three unanswered. So within 10 s
readiness reports the outage and, in a cluster, the client takes another server."""

PAUSE_SECONDS = 0.1

REPORT_SECONDS = 10.0
"""Time between two warnings that a call is still unanswered."""


async def connect(url: str, name: str, *, patience: float | None = None) -> Client:
    """Connect to the servers of `url` (comma separated), waiting until one is there.

    Args:
        url: Addresses `nats://host:port`, with credentials where needed, separated by commas.
        name: Name of this connection in the server's monitoring.
        patience: Seconds to wait for a server, None to wait forever.

    Raises:
        SettingsError: if `url` is malformed; neither message nor traceback repeats a part of it.
        Transient: `unavailable`, if no server answers within `patience`.
    """
    nc = Client()

    async def disconnected() -> None:
        if not nc.is_closed:  # closing it ourselves needs no warning
            log.warning("nats_disconnected")

    async def reconnected() -> None:
        log.info("nats_reconnected")

    async def error(reason: Exception) -> None:
        task = asyncio.current_task()
        if nc.is_closed and task is not None and task.cancelling():
            # The client reconnects in a loop in which a refused connection hides the cancellation (see
            # `reraise_cancel`): with three servers gone it would never stop, and no service could end.
            raise asyncio.CancelledError
        if isinstance(reason, OSError):  # one for each try to reconnect; `nats_disconnected` was logged already
            log.debug("nats_connection_refused", reason=str(reason))
        else:
            log.warning("nats_request_failed", reason=str(reason) or type(reason).__name__)

    connecting = nc.connect(
        url.split(","),
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]  # declared as int, slept as it is
        connect_timeout=2,
        ping_interval=PING_SECONDS,
        max_outstanding_pings=2,
        error_cb=error,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
    )
    try:
        await asyncio.wait_for(connecting, patience)
    except NatsError:  # raised only for an address that cannot be read; its cause may quote the password
        raise SettingsError(
            "CLIPMILL_NATS_URL is not a list of NATS servers; write each as nats://user:password@host:port and "
            "separate several by commas. Write special characters of the password as percent codes, such as %2F for a "
            "slash."
        ) from None
    except TimeoutError:
        raise Transient(
            ErrorCode.UNAVAILABLE, "No NATS server answers; check CLIPMILL_NATS_URL and that the server runs."
        ) from None
    return nc


async def reraise_cancel(answer: Awaitable[T]) -> T:
    """Return the result of `answer`, or raise its error, unless this task was cancelled while it waited.

    The client waits by `asyncio.wait_for`, which before Python 3.12 swallows a cancellation that arrives together with
    the answer (python/cpython#86296). Without this check the stopping task would run on forever.

    Raises:
        asyncio.CancelledError: if a cancellation was swallowed.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await answer
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


async def retry_until(call: Callable[[], Awaitable[T]], *, deadline: float | None = None) -> T:
    """Return the result of `call`, repeating it through outages.

    Args:
        call: Function that makes the request; a second request must do no harm.
        deadline: Time (`time.monotonic()`) after which an outage is raised, None to repeat forever.

    Raises:
        Transient: `unavailable`, after the deadline.
    """
    begun = time.monotonic()
    reported = begun
    while True:
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                return await reraise_cancel(call())
        except (*OUTAGE, TimeoutError) as outage:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                raise Transient(
                    ErrorCode.UNAVAILABLE, "The message server does not answer; try again in a moment.", retry_after=5
                ) from outage
            if now - reported >= REPORT_SECONDS:
                reported = now
                log.warning("nats_unanswered", seconds=round(now - begun), reason=str(outage) or type(outage).__name__)
            await asyncio.sleep(PAUSE_SECONDS)


async def close(nc: Client) -> None:
    """Flush and close `nc`; a server that is away does not hold it up."""
    if nc.is_connected:
        try:
            await nc.flush(timeout=2)
        except (*OUTAGE, ConnectionClosedError):
            log.warning("nats_not_flushed")
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await nc.close()
    except (OSError, TypeError, RuntimeError) as reason:
        # The client writes what it has not sent yet, though the socket of a dead server is gone: from Python 3.12 on
        # that raises a TypeError, with uvloop a RuntimeError. To a server that keeps silent it would write forever.
        log.debug("nats_closing_failed", reason=str(reason) or type(reason).__name__)
