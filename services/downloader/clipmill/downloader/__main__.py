"""Runs the downloader: brings videos in, whoever asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clipmill.contracts.identifiers import Stage
from clipmill.downloader.handler import DownloadHandler
from clipmill.downloader.settings import DownloaderSettings
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker


@asynccontextmanager
async def build(settings: DownloaderSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Work on the download stage."""
    handler = DownloadHandler(runtime.store, settings)
    yield [StageWorker(Stage.DOWNLOAD, handler, slots=settings.slots, attempts=settings.attempts)]


if __name__ == "__main__":
    main("downloader", DownloaderSettings, build)
