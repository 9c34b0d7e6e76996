"""`python -m clipmill.renderer [run | config]` runs the service; `verify FILE ...` checks rendered files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from clipmill.contracts.failures import Failure
from clipmill.contracts.stages import Stage
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker
from clipmill.operations.child import Limits, run_child
from clipmill.operations.scratch_dir import sweep
from clipmill.operations.warm_pool import WarmPool
from clipmill.renderer.clip_request import RENDER_TARGET
from clipmill.renderer.handler import SCRATCH_PREFIX, RenderHandler
from clipmill.renderer.settings import RendererSettings
from clipmill.renderer.shaping_request import SHAPING_TARGET, Shaping, ShapingRequest

log = structlog.stdlib.get_logger()

PROBE_LIMITS = Limits(seconds=60.0, resident_bytes=2**30)
"""Limits of the process that reports whether text is shaped: it imports a library and reads a font."""


@asynccontextmanager
async def build(settings: RendererSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Yield the renderer's one worker."""
    swept = await asyncio.to_thread(sweep, SCRATCH_PREFIX)
    if swept:
        log.info("left_behind_removed", directories=swept)
    await _warn_of_unshaped_text()
    retry = RetryPolicy(
        attempts=settings.attempts,
        first_delay=settings.retry_first_seconds,
        delay_limit=settings.retry_limit_seconds,
    )
    async with WarmPool(RENDER_TARGET, settings.limits(), settings.waiting()) as children:
        handler = RenderHandler(runtime.store, settings, children)
        yield [StageWorker(Stage.RENDER, handler, slots=settings.slots, retry=retry)]


async def _warn_of_unshaped_text() -> None:
    """Warn if text will not be shaped; the service also starts if the probe fails."""
    try:
        shaping = await run_child(SHAPING_TARGET, ShapingRequest(), Shaping, limits=PROBE_LIMITS)
    except Failure as failure:
        log.warning("text_shaping_unknown", code=failure.code, sentence=failure.sentence)
        return
    if not shaping.shapes:
        log.warning(
            "text_not_shaped",
            consequence="letters of Arabic, Hebrew, Indic, Thai and similar scripts are drawn unjoined or out of order",
            remedy="install FriBidi: libfribidi0 (Debian, Ubuntu), fribidi (Homebrew)",
        )


if __name__ == "__main__":
    main("renderer", RendererSettings, build, commands={"verify": "clipmill.renderer.checking.command:check"})
