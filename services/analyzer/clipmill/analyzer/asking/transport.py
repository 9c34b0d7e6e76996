"""HTTP to providers: a client that limits the size of every answer, and a failure with a sentence for each error."""

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import httpx2
from clipmill.analyzer.asking.provider import CallOutcome, ProviderKind, Refused, Unavailable

ANSWER_BYTES = 4 * 2**20
"""Largest body that is read: twenty times the longest answer that an output limit allows."""

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
    """Limit the body of `response`, and refuse a compressed one, whose size has no limit."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.DecodingError("The answer is compressed.")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream)


def client(timeout: float) -> httpx2.AsyncClient:
    """Return a client that reads at most `ANSWER_BYTES` of an answer and follows no redirect.

    Args:
        timeout: Longest silence, in seconds.
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
        Refused: if `key` contains characters that cannot occur in a key.
    """
    if not key.isascii() or not key.isprintable():
        sentence = f"The {name} key contains characters that cannot occur in a key; copy the key again."
        raise Refused(sentence, CallOutcome.KEY_REFUSED)


def broken(name: str, kind: ProviderKind, error: httpx2.HTTPError | TimeoutError, timeout: float) -> Unavailable:
    """Return the failure for a request that ended with `error` instead of an answer.

    Args:
        name: Name of the provider.
        kind: Protocol of the provider, which also names its settings.
        error: Error that the client raised.
        timeout: Longest wait, in seconds.
    """
    if isinstance(error, (TimeoutError, httpx2.TimeoutException)):
        sentence = (
            f"{name} did not answer within {timeout:g} seconds; {_variable(kind, 'TIMEOUT_SECONDS')} is the limit."
        )
        return Unavailable(sentence, CallOutcome.TIMED_OUT)
    if isinstance(error, httpx2.DecodingError):
        return not_understood(name)
    if isinstance(error, (httpx2.ConnectError, httpx2.ProxyError)):
        cause = "the network" if kind is ProviderKind.GEMINI else "that its server runs"
        sentence = f"{name} cannot be reached; check {cause}, and the address in {_variable(kind, 'BASE_URL')}."
        return Unavailable(sentence, CallOutcome.UNREACHABLE)
    return Unavailable(f"The connection to {name} broke off before the whole answer came.", CallOutcome.UNREACHABLE)


def unusable_address(name: str, variable: str) -> Refused:
    """Return the failure for an address that no request can be sent to (`httpx2.InvalidURL`).

    Args:
        name: Name of the provider.
        variable: Environment variable that holds the address.
    """
    return Refused(f"The address of {name} cannot be used; check {variable}.", CallOutcome.REQUEST_REFUSED)


def not_understood(name: str) -> Unavailable:
    """Return the failure for a body that is too large, compressed or of another form, usually because of a proxy."""
    sentence = f"The answer from {name} could not be read; check whether a proxy in between changes it."
    return Unavailable(sentence, CallOutcome.NOT_UNDERSTOOD)


def _variable(kind: ProviderKind, name: str) -> str:
    return f"CLIPMILL_ANALYZER_{kind.upper()}_{name}"


def refusal(name: str, kind: ProviderKind, code: int, status: str, retry_after: float | None) -> Unavailable | Refused:
    """Return the failure for an answer with an HTTP status other than 200.

    Args:
        name: Name of the provider.
        kind: Protocol of the provider, which also names its settings.
        code: HTTP status.
        status: Name that the provider gives the status; empty if it gives none.
        retry_after: Pause that the provider asks for, in seconds; None if it names none.
    """
    said = f"{code} {status}".strip()
    if code in _KEY_REFUSED_CODES:
        return Refused(f"{name} refuses the key ({said}); check the key.", CallOutcome.KEY_REFUSED)
    if code == _BUSY_CODE:
        return Unavailable(f"{name} allows no more requests for now ({said}).", CallOutcome.RATE_LIMITED, retry_after)
    if code == _TIMED_OUT_CODE or code >= 500:
        return Unavailable(f"{name} reported an error on its side ({said}).", CallOutcome.SERVER_ERROR, retry_after)
    model, address = _variable(kind, "MODEL"), _variable(kind, "BASE_URL")
    sentence = f"{name} refuses the request ({said}); check {model} and {address}."
    return Refused(sentence, CallOutcome.REQUEST_REFUSED)


def seconds_to_wait(said: str) -> float | None:
    """Return the pause of a Retry-After header, a number or a date, in seconds; None if it is neither."""
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None  # NaN compares as False too
