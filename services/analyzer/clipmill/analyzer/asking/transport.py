"""HTTP to providers: one client that believes no size, and what its failures mean."""

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import httpx2
from clipmill.analyzer.asking.provider import CallOutcome, Refused, Unavailable

ANSWER_BYTES = 4 * 2**20
"""The largest body that is read: twenty times the longest answer that any output limit allows."""

_KEY_REFUSED_CODES = frozenset({401, 403})
_BUSY_CODE = 429
_TIMED_OUT_CODE = 408


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = ANSWER_BYTES
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx2.DecodingError("The answer is too large.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    """Bound what will be read of `response`; a compressed body, which was not asked for, has no bound."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.DecodingError("The answer is compressed.")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream)


def client(timeout: float) -> httpx2.AsyncClient:
    """Return a client that reads at most `ANSWER_BYTES` of an answer and follows no redirect.

    Args:
        timeout: longest silence, seconds.
    """
    return httpx2.AsyncClient(
        timeout=timeout,
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_bound]},
    )


def check_key(name: str, key: str) -> None:
    """Refuse a key that no header can carry.

    Raises:
        Refused: if `key` has characters that no key has.
    """
    if not key.isascii() or not key.isprintable():
        raise Refused(f"The {name} key has characters that no key has.", CallOutcome.KEY_REFUSED)


def broken(name: str, error: httpx2.HTTPError | TimeoutError, timeout: float) -> Unavailable:
    """Return what it means that a request ended in `error` instead of an answer.

    Args:
        name: of the provider.
        error: what the client raised.
        timeout: the longest wait, seconds.
    """
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        return Unavailable(f"{name} did not answer within {timeout:g} seconds.", CallOutcome.TIMED_OUT)
    if isinstance(error, httpx2.DecodingError):
        return not_understood(name)
    if isinstance(error, (httpx2.ConnectError, httpx2.ProxyError)):
        return Unavailable(f"{name} cannot be reached.", CallOutcome.UNREACHABLE)
    return Unavailable(f"The connection to {name} broke off.", CallOutcome.UNREACHABLE)


def not_understood(name: str) -> Unavailable:
    """Return what it means that a body is not what the protocol says: mostly something between is at fault."""
    return Unavailable(f"{name}'s answer is not of its own form.", CallOutcome.NOT_UNDERSTOOD)


def refusal(name: str, code: int, status: str, retry_after: float | None) -> Unavailable | Refused:
    """Return what it means that a request was answered with an HTTP status other than 200.

    Args:
        name: of the provider.
        code: the HTTP status.
        status: what the provider calls it; empty for nothing.
        retry_after: seconds that it asks to be left alone, None if it did not say.
    """
    said = f"{code} {status}".strip()
    if code in _KEY_REFUSED_CODES:
        return Refused(f"{name} refuses the key ({said}).", CallOutcome.KEY_REFUSED)
    if code == _BUSY_CODE:
        return Unavailable(f"{name}'s quota is used up for now ({said}).", CallOutcome.RATE_LIMITED, retry_after)
    if code == _TIMED_OUT_CODE or code >= 500:
        return Unavailable(f"{name} has trouble ({said}).", CallOutcome.SERVER_ERROR, retry_after)
    return Refused(f"{name} refuses the request ({said}).", CallOutcome.REQUEST_REFUSED)


def seconds_to_wait(said: str) -> float | None:
    """Return what a Retry-After header says in seconds, by number or by date; None if it says nothing sensible."""
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None  # NaN is not less either
