"""One connection of a port: aiohttp's protocol, with a deadline for what its client owes and plain words for errors."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import StreamReader, web
from clipmill.contracts.api import Problem
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.operations import logs
from clipmill.operations.connections import (
    ConnectionLimits,
    Phase,
    Pool,
    client_of,
    counted_address,
    most_connections,
    trusted,
)
from clipmill.operations.health import PROBES
from prometheus_client import Counter

log = logs.get_logger(__name__)

HEAD, BODY, ANSWERING, IDLE = Phase  # globals, because Python 3.11 takes 90 ns to find a member, and a call takes 37

CUT = Counter("clipmill_connections_cut_total", "Connections that were cut or refused, by reason.", ["reason"])

SWEEP_SECONDS = 1.0
"""Time between two looks at the deadlines."""

REFUSED_SECONDS = 2.0
"""Time for which the rest of a refused request is read and thrown away, in seconds, so that the answer arrives."""

RETRY_SECONDS = 5

NO_HTTP = "The request is not valid HTTP, or a line of its head is too long; correct it."
INTERNAL = "The service met an error that is not yours; try again, and report it if it comes back."
SLOW_HEAD = "The head of the request did not arrive in time; send it again."
SLOW_BODY = "The body of the request arrives too slowly; send it again, or send a smaller one."
FULL = "The service has too many connections; try again in a moment."

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def _problem(status: int, failure: Failure) -> web.Response:
    body = msgspec.json.encode(Problem(detail=failure.sentence, code=failure.code))
    response = web.Response(body=body, status=status, content_type="application/json")
    if isinstance(failure, Transient):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.force_close()
    return response


_SLOW_HEAD_BODY = msgspec.json.encode(Problem(detail=SLOW_HEAD, code=ErrorCode.TOO_SLOW))
_SLOW_HEAD_ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b"
) % (len(_SLOW_HEAD_BODY), _SLOW_HEAD_BODY)


class Connections:
    """The connections of a port by phase.

    Args:
        limits: Limits of the connections.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.heads: Pool[HttpConnection] = Pool()
        self.bodies: Pool[HttpConnection] = Pool()
        self.idle: dict[HttpConnection, None] = {}
        self.answering = 0
        self._unfinished, self._others = most_connections(limits)
        self._sweeping: asyncio.TimerHandle | None = None

    def begin_head(self, connection: "HttpConnection", address: str) -> None:
        """Count an unfinished head; the oldest gives way if there are too many."""
        if self.heads.of(address) >= self.limits.by_address:
            self.heads.oldest(address).cut("address")
        elif len(self.heads) >= self._unfinished:
            self.heads.oldest().cut("heads")
        self.heads.add(connection, address)
        self._sweep_later()

    def begin_body(self, connection: "HttpConnection", address: str) -> Failure | None:
        """Count an unfinished body, or return why it is refused."""
        if self.bodies.of(address) >= self.limits.by_address:
            CUT.labels("address").inc()
            sentence = (
                f"Your address is sending {self.limits.by_address} requests already; send the next when one has ended."
            )
            return Permanent(ErrorCode.TOO_MANY_CONNECTIONS, sentence)
        if len(self.bodies) >= self._unfinished:
            CUT.labels("bodies").inc()
            return Transient(ErrorCode.BUSY, FULL)
        self.bodies.add(connection, address)
        self._sweep_later()
        return None

    def begin_answer(self, request: web.BaseRequest | None = None) -> Failure | None:
        """Count a complete request, or return why it is refused.

        Args:
            request: Request that may be refused unless it is a probe; None for one that was accepted before.
        """
        if self.answering + len(self.idle) >= self._others:
            if self.idle:
                next(iter(self.idle)).cut("idle")
            elif request is not None and request.path not in PROBES:
                CUT.labels("answers").inc()
                return Transient(ErrorCode.BUSY, FULL)
        self.answering += 1
        return None

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def sweep(self, now: float) -> None:
        """Cut the connections whose deadline is over.

        Args:
            now: Time of the loop, in seconds.
        """
        for connection in (*self.heads, *self.bodies):
            connection.expire(now)

    def _sweep(self) -> None:
        self._sweeping = None
        self.sweep(asyncio.get_running_loop().time())
        if len(self.heads) or len(self.bodies):
            self._sweep_later()


class HttpConnection(web.RequestHandler):
    """A connection that is counted and has deadlines.

    Args:
        server: Server of the application that answers.
        connections: Connections of the port.
        loop: Loop that runs.
        lingering_time: Time for which data is thrown away that a client still sends after an early answer, in seconds.
    """

    def __init__(
        self,
        server: web.Server,
        connections: Connections,
        *,
        loop: asyncio.AbstractEventLoop,
        lingering_time: float,
    ) -> None:
        super().__init__(server, loop=loop, access_log=None, lingering_time=lingering_time)  # type: ignore[arg-type]
        self._connections = connections
        self._limits = connections.limits
        self._phase = IDLE
        self._due = math.inf
        self._peer = ""
        self._received = False
        self._refused = False
        self._handled = True
        self._body: StreamReader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with an unfinished head."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._enter_head(self._limits.head_seconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count the connection no longer."""
        self._leave()
        super().connection_lost(exc)
        if self._handled:
            self._discard_body()

    def data_received(self, data: bytes) -> None:
        """Count what arrives for the deadline of its head or body."""
        parsed = self._request_count
        if self._phase is BODY and data:
            now = self._loop.time()
            earned = self._due + len(data) / self._limits.body_bytes_per_second
            self._due = min(earned, now + self._limits.body_seconds)
        super().data_received(data)
        if data and self._phase is HEAD:
            self._received = True
        elif self._phase is IDLE and self._request_count == parsed and data.strip(b"\r\n") and self.transport:
            self._leave()  # a new line alone is what some clients send after a body
            self._enter_head(self._limits.head_seconds)
            self._received = True

    def pause_reading(self) -> None:
        """Suspend the deadline, because the handler and not the client is slow now."""
        super().pause_reading()
        self._due = math.inf

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Begin the deadline again."""
        suspended = self._due == math.inf
        super().resume_reading(resume_parser)
        if suspended and self._phase is BODY and not self._reading_paused:
            self._due = self._loop.time() + self._limits.body_seconds

    def begin(self, request: web.BaseRequest) -> Failure | None:
        """Count a request whose head is complete, or return why it is refused."""
        if self.transport is None:  # the client has gone
            return None
        self._leave()
        self._handled = False
        self._body = body = request.content
        if body.is_eof():
            refusal = self._connections.begin_answer(request)
            self._phase = ANSWERING
        else:
            refusal = self._connections.begin_body(self, self._address(request))
            self._phase = BODY
            self._due = self._loop.time() + self._limits.body_seconds
            body.on_eof(self._end_body)
        if refusal is not None:
            self._phase = IDLE
            self._enter_head(REFUSED_SECONDS)
            self._refused = True
        return refusal

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; the connection is idle afterwards, unless its client still sends the body."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._handled = True
            if self._phase is ANSWERING:
                self._leave()
                if self.transport is not None:
                    self._connections.idle[self] = None
            elif request.content.exception() is not None:  # aiohttp would wait for more of it
                self.force_close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or an error of an application that does not answer errors itself.

        Raises:
            ConnectionError: the client has gone.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if status == 400:
            log.info("request_malformed", reason=type(exc).__name__)
            return _problem(status, Permanent(ErrorCode.BAD_REQUEST, NO_HTTP))
        log.error("request_failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionAbortedError("the answer had begun when it failed")
        return _problem(status, Permanent(ErrorCode.INTERNAL, INTERNAL))

    def expire(self, now: float) -> None:
        """Cut the connection if its deadline is over."""
        if now < self._due:
            return
        if self._phase is BODY and not self._handled and self._body is not None:
            CUT.labels("slow_body").inc()
            self._leave()
            self._enter_head(REFUSED_SECONDS)
            self._refused = True
            self._body.set_exception(Permanent(ErrorCode.TOO_SLOW, SLOW_BODY))
            return
        slow_head = self._phase is HEAD and not self._refused
        if slow_head and self._received and self.transport is not None:
            self.transport.write(_SLOW_HEAD_ANSWER)
        self.cut("slow_head" if slow_head else "slow_body")

    def cut(self, reason: str) -> None:
        """End the connection now."""
        CUT.labels(reason).inc()
        self._leave()
        self.force_close()
        if self._handled:
            self._discard_body()

    def _enter_head(self, seconds: float) -> None:
        self._phase = HEAD
        self._received = False
        self._due = self._loop.time() + seconds
        address = "" if trusted(self._peer, self._limits.trusted_proxies) else counted_address(self._peer)
        self._connections.begin_head(self, address)

    def _leave(self) -> None:
        """Leave the present phase."""
        phase = self._phase
        if phase is IDLE:
            self._connections.idle.pop(self, None)
        elif phase is ANSWERING:
            self._connections.answering -= 1
        elif phase is HEAD:
            self._connections.heads.discard(self)
        else:
            self._connections.bodies.discard(self)
        self._phase = IDLE
        self._due = math.inf

    def _end_body(self) -> None:
        """Count a request whose body has become complete; it is not refused any more."""
        if self._phase is BODY:
            self._leave()
            if self._handled:
                self._connections.idle[self] = None
            else:
                self._connections.begin_answer()
                self._phase = ANSWERING

    def _discard_body(self) -> None:
        """Let aiohttp stop waiting for the rest of a body after its answer."""
        if self._body is not None and not self._body.is_eof():
            self._body.feed_eof()

    def _address(self, request: web.BaseRequest) -> str:
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        return counted_address(client_of(self._peer, forwarded, self._limits.trusted_proxies))


def watch(server: web.Server) -> None:
    """Let the connections of `server` count each request before it is handled."""
    handler = server.request_handler

    def watched(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        connection = request.protocol
        refusal = connection.begin(request) if isinstance(connection, HttpConnection) else None
        return handler(request) if refusal is None else _refused(refusal)

    server.request_handler = watched


async def _refused(failure: Failure) -> web.StreamResponse:
    return _problem(503 if isinstance(failure, Transient) else 429, failure)
