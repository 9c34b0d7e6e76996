"""Saving clips as files: each is downloaded as soon as it appears, whole or not at all."""

import asyncio
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from clipmill.cli.client.connection import DEFAULT_SERVER, Client, Interrupted
from clipmill.cli.outcomes import ServerUnavailable, WrongRequest
from clipmill.contracts.api import ClipFileKind, clip_url, parse_clip_url

ATTEMPTS = 5
PAUSE_SECONDS = 1.0
"""Pause before the second attempt, doubled before each later one."""


class ClipSaver:
    """Saves clips in a folder while their job goes on: `async with ClipSaver(client, folder, saved) as saver`.

    Leaving the block waits for the downloads under way; an exception cancels them.

    Args:
        client: Connection to the server of the clips.
        folder: Folder for the files; it is created if it is missing.
        saved: Callback for the path of each saved clip.

    Raises:
        WrongRequest: if the folder cannot be created or written.
        ServerUnavailable: if a clip could not be downloaded.
    """

    def __init__(self, client: Client, folder: Path, saved: Callable[[Path], None]) -> None:
        self._client = client
        self._folder = folder
        self._saved = saved
        self._downloads: dict[str, asyncio.Task[Path]] = {}

    async def __aenter__(self) -> Self:
        """Create the folder."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            sentence = f"The folder {self._folder} cannot be created ({error.strerror}); choose another with --output."
            raise WrongRequest(sentence) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the downloads, or cancel them."""
        downloads = self._downloads.values()
        if kind is not None:
            for download in downloads:
                download.cancel()
        results = await asyncio.gather(*downloads, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if kind is None and failures:
            raise failures[0]

    def save(self, urls: Iterable[str]) -> None:
        """Begin to download those clips at `urls` that are new, each with its companions."""
        for url in urls:
            if url not in self._downloads:
                self._downloads[url] = asyncio.create_task(self._save(url))

    @property
    def files(self) -> dict[str, Path]:
        """Files saved so far by their clip's `video_url`, in the order in which the clips appeared."""
        return {
            url: download.result()
            for url, download in self._downloads.items()
            if download.done() and not download.cancelled() and download.exception() is None
        }

    async def _save(self, url: str) -> Path:
        target = self._folder / file_name(url)
        try:
            if not await self._download(url, target):
                raise ServerUnavailable(f"The server no longer has {url}; submit the video again.")
            address = parse_clip_url(url)
            for kind in ClipFileKind:  # a server without such a file is no failure
                if address is not None and kind is not ClipFileKind.VIDEO:
                    beside = clip_url(address.job, address.stem, address.number, kind)
                    await self._download(beside, target.with_suffix(f".{kind}"))
        except OSError as error:
            sentence = f"{target} cannot be written ({error.strerror}); choose another folder with --output."
            raise WrongRequest(sentence) from error
        self._saved(target)
        return target

    def _again(self, path: str) -> str:
        """Return the command that saves the clips later; `path` names the job."""
        address = parse_clip_url(path)
        words = ["clipmill", "status", "JOB" if address is None else address.job, "--output", str(self._folder)]
        if self._client.server != DEFAULT_SERVER:
            words += ["--server", self._client.shown]
        return f"`{shlex.join(words)}`"

    async def _download(self, path: str, target: Path) -> bool:
        pause = PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._client.download(path, target)
            except Interrupted:
                await asyncio.sleep(pause)
                pause *= 2
        try:
            return await self._client.download(path, target)
        except Interrupted as interruption:
            sentence = f"{path} could not be downloaded ({interruption}); to save it later, run {self._again(path)}."
            raise ServerUnavailable(sentence) from interruption


def file_name(video_url: str) -> str:
    """Return the last part of a clip's path as a file name that stays in its folder.

    Raises:
        ServerUnavailable: if the path does not end in a usable name.
    """
    name = PurePosixPath(unquote(urlsplit(video_url).path)).name
    if not name or name.startswith(".") or not name.isprintable():
        sentence = f"The server names a clip {video_url!r}, which cannot be a file's name; check the server's address."
        raise ServerUnavailable(sentence)
    return name
