"""The downloader: `python -m clipmill.downloader`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from clipmill.contracts.stages import Stage
from clipmill.downloader.handler import SCRATCH_PREFIX, DownloadHandler
from clipmill.downloader.settings import DownloaderSettings
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker
from clipmill.operations.scratch_dir import sweep

log = structlog.stdlib.get_logger()


@asynccontextmanager
async def build(settings: DownloaderSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Wire the service."""
    swept = await asyncio.to_thread(sweep, SCRATCH_PREFIX, settings.work_dir)
    if swept:
        log.info("left_behind_removed", directories=swept)
    handler = DownloadHandler(runtime.store, settings)
    retry = RetryPolicy(
        attempts=settings.attempts,
        first_delay=settings.retry_first_seconds,
        delay_limit=settings.retry_limit_seconds,
    )
    yield [StageWorker(Stage.DOWNLOAD, handler, slots=settings.slots, retry=retry)]


if __name__ == "__main__":
    main("downloader", DownloaderSettings, build)
