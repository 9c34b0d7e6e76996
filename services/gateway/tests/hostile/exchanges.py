"""Requests and answers as bytes."""

import asyncio
from dataclasses import dataclass

import msgspec

ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """An answer as it came.

    Attributes:
        status: Status, 0 if the connection ended without an answer.
        headers: Headers by their names in lower case.
        body: Body.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self):
        """Return the body of a refused request."""
        return msgspec.json.decode(self.body)


def parse(data):
    """Return the last answer in `data`, without those that only say that the client may go on."""
    while data.startswith(b"HTTP/1.1 100"):
        data = data.partition(b"\r\n\r\n")[2]
    head, _, body = data.partition(b"\r\n\r\n")
    if not head:
        return Answer(0, {}, b"")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Answer(int(status.split()[1]), headers, body)


def request(method, path, headers=(), body=b"", *, length=True):
    """Return the bytes of a request, after whose answer the server closes the connection."""
    lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: localhost", b"Connection: close", *headers]
    if length and (body or method == b"POST"):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def multipart(*parts, boundary=b"cut"):
    """Return the body of a form whose parts are given as (headers, content)."""
    chunks = [b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, headers, content) for headers, content in parts]
    return b"".join(chunks) + b"--%b--\r\n" % boundary


async def exchange(number, data):
    """Send bytes to a port and return the answer, status 0 if the connection ends without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(data)
            return parse(await reader.read())
    except ConnectionError:
        return parse(b"")
    finally:
        writer.close()
