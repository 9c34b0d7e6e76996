"""JSON answers, also to requests that fail."""

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import http_exceptions, web
from clipmill.contracts.api import Problem
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient

log = structlog.stdlib.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

WAITED = web.RequestKey("waited", float)
"""The key under which a request has the seconds that it waited for a change because its client asked for it."""

JOB_NOT_FOUND = "Job not found"

HTTP_STATUS = {
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.BAD_IDENTIFIER: 404,
    ErrorCode.MISSING_ARTIFACT: 404,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.ALREADY_ENDED: 409,
    ErrorCode.CLIP_GIVEN_UP: 409,
    ErrorCode.NOT_COMPLETED: 409,
    ErrorCode.NOT_ENDED: 409,
    ErrorCode.RESERVE_EMPTY: 409,
    ErrorCode.KEY_REUSED: 422,
    ErrorCode.CROSS_SITE: 403,
    ErrorCode.FOREIGN_HOST: 421,
    ErrorCode.TOO_SLOW: 408,
}
"""The HTTP status of permanent failures by their code; all others get 400, because the client can avoid them."""

BODY_UNREADABLE = "The body of the request cannot be read; send it complete, and encoded as its headers say."
INTERNAL = "The gateway met an error that is not yours; try again, and report it if it comes back."

RETRY_SECONDS = 5
RETRY_SECONDS_OF = {ErrorCode.OUT_OF_SPACE: 60}
"""The seconds in `Retry-After` if the failure itself has none; a full disk recovers slowly, as jobs expire."""


def as_json(body: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return `body` as a JSON answer."""
    return web.Response(body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json")


def job_not_found() -> web.Response:
    """Return the 404 of the contract."""
    return as_json(Problem(detail=JOB_NOT_FOUND), 404)


def route_of(request: web.Request) -> str:
    """Return the route of a request, never its path."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer failures with a sentence and a code."""
    response = await _whole(request, handler)
    if not request.content.at_eof():
        response.force_close()  # a client that is still sending stops
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Permanent as failure:
        return _refusal(failure, HTTP_STATUS.get(failure.code, 400), {})
    except Transient as failure:
        seconds = failure.retry_after or RETRY_SECONDS_OF.get(failure.code, RETRY_SECONDS)
        return _refusal(failure, 503, {"Retry-After": str(round(seconds))})
    except web.HTTPRequestEntityTooLarge:
        return _refusal(_body_too_large(request), 413, {})
    except (web.RequestPayloadError, http_exceptions.BadHttpMessage):
        return _refusal(Permanent(ErrorCode.BAD_REQUEST, BODY_UNREADABLE), 400, {})
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        headers = {name: value for name, value in answer.headers.items() if name == "Allow"}
        return as_json(Problem(detail=answer.reason), answer.status, headers)


async def _whole(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the answer to a request; an error is answered with 500, or ends the connection within an answer.

    Raises:
        ConnectionError: the client has gone, or an answer that was begun cannot be finished.
    """
    try:
        response = await _answer(request, handler)
    except (ConnectionError, web.HTTPException):
        raise
    except Exception:
        log.exception("request_failed", route=route_of(request), method=request.method)
        response = as_json(Problem(detail=INTERNAL, code=ErrorCode.INTERNAL), 500)
    if request.writer.output_size > 0 and not response.prepared:
        log.warning("answer_interrupted", route=route_of(request), http_status=response.status)
        raise ConnectionAbortedError("the answer had begun when it failed")
    return response


def _body_too_large(request: web.Request) -> Permanent:
    sentence = (
        f"The body is larger than the {request.client_max_size} bytes allowed; send a smaller one, or a video as "
        "multipart/form-data."
    )
    return Permanent(ErrorCode.TOO_LARGE, sentence)


def _refusal(failure: Failure, status: int, headers: dict[str, str]) -> web.Response:
    sentence = failure.sentence.encode(errors="replace").decode()  # it may quote what the client sent, even raw bytes
    log.info("request_refused", code=failure.code, sentence=sentence, http_status=status)
    return as_json(Problem(detail=sentence, code=failure.code), status, headers)
