"""The transcriber: `python -m clipmill.transcriber`."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clipmill.contracts.failures import Failure
from clipmill.contracts.stages import Stage
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker
from clipmill.operations.child import Limits
from clipmill.operations.logs import get_logger
from clipmill.transcriber.handler import TranscribeHandler, engine_request
from clipmill.transcriber.models.gpus import visible_gpus
from clipmill.transcriber.models.model_processes import ModelProcesses
from clipmill.transcriber.settings import TranscriberSettings
from clipmill.transcriber.speech_request import DeviceChoice

_log = get_logger(__name__)


@asynccontextmanager
async def build(settings: TranscriberSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Wire the service."""
    limits = Limits(seconds=settings.task_seconds, resident_bytes=settings.memory_mib << 20)
    gpus = visible_gpus(os.environ) if settings.device is not DeviceChoice.CPU else []
    retry = RetryPolicy(
        attempts=settings.attempts,
        first_delay=settings.retry_first_seconds,
        delay_limit=settings.retry_limit_seconds,
    )
    async with ModelProcesses(limits, settings.idle_seconds, gpus) as models:
        loading = asyncio.create_task(_preload(models, settings)) if settings.preload else None
        try:
            handler = TranscribeHandler(runtime.store, settings, models)
            yield [StageWorker(Stage.TRANSCRIBE, handler, slots=models.count, retry=retry)]
        finally:
            if loading is not None:
                loading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await loading


async def _preload(models: ModelProcesses, settings: TranscriberSettings) -> None:
    try:
        await models.warm_up(engine_request(settings))
    except Failure as failure:  # each task will fail with it and report it
        _log.error("model_not_loaded", sentence=failure.sentence)


if __name__ == "__main__":
    main("transcriber", TranscriberSettings, build)
