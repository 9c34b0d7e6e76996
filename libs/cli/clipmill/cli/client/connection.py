"""A connection to one clipmill server: submit, query and end jobs and download clips over HTTP."""

import asyncio
import io
import ipaddress
import json
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aiohttp
import msgspec
from clipmill.cli.client.form import form_of
from clipmill.cli.client.submission import Submission, in_flags
from clipmill.cli.outcomes import ServerUnavailable, WrongRequest
from clipmill.contracts.api import (
    KEY_HEADER,
    KEY_OF_REQUEST,
    Accepted,
    ClipList,
    ClipsAccepted,
    Ended,
    JobList,
    JobView,
    MoreClips,
    Only,
    Problem,
)
from clipmill.contracts.status import PublicStatus
from clipmill.operations.credentials import split_address, without_credentials
from msgspec import Struct

T = TypeVar("T")

DEFAULT_SERVER = "http://127.0.0.1:8000"

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
"""Timeout for requests that a healthy server answers in milliseconds; its NATS may just be electing a leader."""

TRANSFER_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300)
"""Timeout for files: unlimited in total, five minutes without a byte."""

CHUNK_BYTES = 1 << 18

BUSY_STATUS = 503
"""Status of a server that cannot answer now."""

REPEAT_SECONDS = 1.0
"""The pause before a request for clips is repeated, in seconds; the server has waited itself before its 503."""

NETWORK_FAILURES = (aiohttp.ClientError, TimeoutError, ConnectionError)
"""Errors of aiohttp if the server cannot be reached or closes the connection."""


TRANSIENT_STATUSES = (408, 425, 429)
"""Statuses below 500 after which the request may work later: too slow, too early, too many."""


class Interrupted(Exception):
    """A request that may work when it is repeated, after an outage, a restart or an overload.

    Attributes:
        unavailable: Error to raise if the request is not repeated.
    """

    def __init__(self, reason: str, unavailable: ServerUnavailable) -> None:
        super().__init__(reason)
        self.unavailable = unavailable


class JobQuery(Struct, frozen=True, kw_only=True):
    """A selection of jobs to list; None leaves the choice to the server.

    Attributes:
        status: Status of the jobs.
        limit: Most jobs to list.
        before: Cursor at which an earlier list ended.
    """

    status: str | None = None
    limit: int | None = None
    before: str | None = None


class Upload(io.BufferedReader):
    """A file on its way to the server, which reports the number of bytes read."""

    def __init__(self, path: Path, sent: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path), CHUNK_BYTES)
        self._sent = sent
        self._position = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like a file, and report the number of bytes read so far."""
        data = super().read(size)
        self._position += len(data)
        self._sent(self._position)
        return data


class Client:
    """A connection to one server: `async with Client("http://127.0.0.1:8000") as client`.

    Args:
        server: Address of the server; an address without a scheme gets `http://`.

    Raises:
        WrongRequest: if `server` is not an http or https address.
    """

    def __init__(self, server: str) -> None:
        self.server = _server_address(server)
        self.shown = without_credentials(self.server)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the connection pool; nothing is sent yet."""
        # A proxy in the environment must not stand between a user and a server on the same machine.
        session = aiohttp.ClientSession(timeout=REQUEST_TIMEOUT, trust_env=not _is_loopback(self.server))
        self._session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def submit_url(self, url: str, options: Submission, *, gemini_key: str | None = None) -> str:
        """Submit the video at `url` and return the job's id.

        Raises:
            WrongRequest: if the transcript cannot be read, or the server refuses the request.
            ServerUnavailable: if the server cannot take the job now.
        """
        if options.transcript is None:
            return await self._submit(json.dumps({"url": url, **options.fields()}).encode(), gemini_key)
        form = await form_of(options)
        form.add_field("url", url)
        return await self._submit(form, gemini_key)

    async def submit_file(
        self,
        path: Path,
        options: Submission,
        *,
        gemini_key: str | None = None,
        sent: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Stream the file at `path` to the server and return the job's id.

        Args:
            path: Video file.
            options: Options of the job.
            gemini_key: Key for this job only.
            sent: Callback for the number of bytes sent so far, called from another thread.

        Raises:
            WrongRequest: if the file cannot be read, or the server refuses the request.
            ServerUnavailable: if the server cannot take the job now.
        """
        try:
            upload = await asyncio.to_thread(Upload, path, sent)
        except OSError as error:
            sentence = f"{path} cannot be read ({os.strerror(error.errno or 0)}); check the file."
            raise WrongRequest(sentence) from error
        with upload:
            form = await form_of(options)
            # The file comes last, so the server knows the options before the bytes come.
            form.add_field("file", upload, filename=_upload_name(path), content_type="application/octet-stream")
            return await self._submit(form, gemini_key)

    async def _submit(self, body: bytes | aiohttp.FormData, gemini_key: str | None) -> str:
        headers = {} if gemini_key is None else {KEY_HEADER: gemini_key}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.post(
                f"{self.server}/api/process", data=body, headers=headers, timeout=TRANSFER_TIMEOUT
            ) as answer:
                if answer.status >= 400:
                    raise await self._refusal(answer, in_flags)
                accepted = self._decode(await answer.read(), Accepted)
        except NETWORK_FAILURES as error:
            raise self._unreachable(error) from error
        return accepted.job_id

    async def status(self, job: str) -> PublicStatus:
        """Return the status of `job`.

        Raises:
            WrongRequest: if the server does not know the job.
            Interrupted: if another try may work.
            ServerUnavailable: if no clipmill server answers.
        """
        return self._decode(await self._get(f"/api/status/{quote(job, safe='')}"), PublicStatus)

    async def view(self, job: str) -> JobView | None:
        """Return the rich view of `job`, None if the server has none.

        Raises:
            Interrupted: if another try may work.
        """
        try:
            return msgspec.json.decode(await self._get(f"/api/jobs/{quote(job, safe='')}"), type=JobView)
        except (WrongRequest, ServerUnavailable, msgspec.DecodeError):
            return None

    async def jobs(self, query: JobQuery) -> JobList:
        """Return the server's jobs that match `query`.

        Raises:
            WrongRequest: if the server refuses the query.
            ServerUnavailable: if the server cannot be reached.
        """
        chosen = {name: str(value) for name, value in msgspec.structs.asdict(query).items() if value is not None}
        try:
            async with self._session.get(f"{self.server}/api/jobs", params=chosen) as answer:
                if answer.status >= 400:
                    raise await self._refusal(answer)
                return self._decode(await answer.read(), JobList)
        except NETWORK_FAILURES as error:
            raise self._unreachable(error) from error

    async def clips(self, job: str) -> ClipList:
        """Return the clips of `job` with the reasons why they were chosen, and its reserve.

        Raises:
            WrongRequest: if the server does not know the job.
            Interrupted: if another try may work.
            ServerUnavailable: if no clipmill server answers.
        """
        return self._decode(await self._get(f"/api/jobs/{quote(job, safe='')}/clips"), ClipList)

    async def more(self, job: str, wish: MoreClips) -> ClipsAccepted:
        """Have clips of the reserve of `job` rendered, and return their numbers.

        The request has a key. After a 503 it is repeated once with this key, and the server takes it only once.

        Raises:
            WrongRequest: if the server does not know the job, or its reserve has no such clips.
            ServerUnavailable: if it cannot be reached.
        """
        address = f"{self.server}/api/jobs/{quote(job, safe='')}/clips"
        headers = {"Content-Type": "application/json", KEY_OF_REQUEST: str(uuid4())}
        body = msgspec.json.encode(wish)
        try:
            async with self._session.post(address, data=body, headers=headers) as answer:
                if answer.status != BUSY_STATUS:
                    return await self._accepted(answer)
            await asyncio.sleep(REPEAT_SECONDS)
            async with self._session.post(address, data=body, headers=headers) as answer:
                return await self._accepted(answer)
        except NETWORK_FAILURES as error:
            raise self._unreachable(error) from error

    async def _accepted(self, answer: aiohttp.ClientResponse) -> ClipsAccepted:
        if answer.status >= 400:
            raise await self._refusal(answer)
        return self._decode(await answer.read(), ClipsAccepted)

    async def end(self, job: str, only: Only) -> Ended:
        """Cancel or delete `job`.

        Raises:
            WrongRequest: if the server does not know the job, or the job cannot be ended this way now.
            ServerUnavailable: if the server cannot be reached.
        """
        address = f"{self.server}/api/jobs/{quote(job, safe='')}"
        try:
            async with self._session.delete(address, params={"only": only}) as answer:
                if answer.status >= 400:
                    raise await self._refusal(answer)
                return self._decode(await answer.read(), Ended)
        except NETWORK_FAILURES as error:
            raise self._unreachable(error) from error

    async def download(self, path: str, target: Path) -> bool:
        """Download `path` of the server to the file `target`, whole or not at all.

        Returns:
            True if the server has the file.

        Raises:
            Interrupted: if another try may work.
            OSError: if `target` cannot be written.
        """
        part = target.with_name(f".{target.name}.part")
        try:
            async with self._session.get(f"{self.server}{path}", timeout=TRANSFER_TIMEOUT) as answer:
                if answer.status == 404:
                    return False
                if answer.status >= 400:
                    raise self._interrupted(answer.status)
                with part.open("wb") as file:
                    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                        await asyncio.to_thread(file.write, chunk)
            part.replace(target)
        except NETWORK_FAILURES as error:
            raise Interrupted(_reason(error), self._unreachable(error)) from error
        finally:
            part.unlink(missing_ok=True)
        return True

    async def _get(self, path: str) -> bytes:
        try:
            async with self._session.get(f"{self.server}{path}") as answer:
                if answer.status >= 500 or answer.status in TRANSIENT_STATUSES:
                    raise self._interrupted(answer.status)
                if answer.status >= 400:
                    raise await self._refusal(answer)
                return await answer.read()
        except NETWORK_FAILURES as error:
            raise Interrupted(_reason(error), self._unreachable(error)) from error

    async def _refusal(
        self, answer: aiohttp.ClientResponse, worded: Callable[[str], str] = str
    ) -> WrongRequest | ServerUnavailable:
        sentence = worded(_detail(await answer.read()))
        sentence = sentence or f"{self.shown} answers {answer.status} {answer.reason}; check the address."
        if answer.status < 500 and answer.status not in TRANSIENT_STATUSES:
            return WrongRequest(sentence)
        wait = answer.headers.get("Retry-After")
        return ServerUnavailable(sentence if wait is None else f"{sentence} Try again in {wait} seconds.")

    def _unreachable(self, error: Exception) -> ServerUnavailable:
        if isinstance(error, aiohttp.ClientConnectorError):
            return ServerUnavailable(
                f"No clipmill server answers at {self.shown}. Start a server with `clipmill up`, or name a running"
                " one with --server or CLIPMILL_SERVER."
            )
        return ServerUnavailable(f"The connection to {self.shown} broke off ({_reason(error)}); try again.")

    def _interrupted(self, status: int) -> Interrupted:
        reason = f"status {status}"
        return Interrupted(reason, ServerUnavailable(f"The server at {self.shown} answers {reason}; try again later."))

    def _decode(self, data: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as error:
            raise ServerUnavailable(
                f"The server at {self.server} is not a clipmill server; check the address."
            ) from error


def _detail(body: bytes) -> str:
    """Return the sentence in the body of a refusal, empty if there is none."""
    try:
        return msgspec.json.decode(body, type=Problem).detail
    except msgspec.DecodeError:
        return ""


def _upload_name(path: Path) -> str:
    """Return the file's name for a header, without line breaks and undecodable bytes."""
    return "".join(character if character.isprintable() else "_" for character in path.name)


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or "no connection"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _server_address(server: str) -> str:
    address = server if "://" in server else f"http://{server}"
    try:
        known = split_address(address).scheme in ("http", "https")
    except ValueError:
        known = False
    if not known:
        shown = without_credentials(server)
        raise WrongRequest(f"{shown} is not the address of a server; write one such as {DEFAULT_SERVER}.")
    return address.rstrip("/")


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
