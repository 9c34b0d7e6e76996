"""`python -m clipmill.analyzer` finds shots and picks moments: two stages in one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clipmill.analyzer.moments_handler import MomentsHandler
from clipmill.analyzer.scenes_handler import ScenesHandler
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.contracts.stages import Stage
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker


@asynccontextmanager
async def build(settings: AnalyzerSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Yield the workers of this process."""
    scenes = ScenesHandler(runtime.store, settings)
    moments = MomentsHandler(runtime.store, settings, settings.prices())
    scenes_retry = RetryPolicy(
        attempts=settings.scenes_attempts,
        first_delay=settings.scenes_retry_first_seconds,
        delay_limit=settings.scenes_retry_limit_seconds,
    )
    analyze_retry = RetryPolicy(
        attempts=settings.analyze_attempts,
        first_delay=settings.analyze_retry_first_seconds,
        delay_limit=settings.analyze_retry_limit_seconds,
    )
    yield [
        StageWorker(Stage.SCENES, scenes, slots=settings.scenes_slots, retry=scenes_retry),
        StageWorker(Stage.ANALYZE, moments, slots=settings.analyze_slots, retry=analyze_retry),
    ]


if __name__ == "__main__":
    main("analyzer", AnalyzerSettings, build, commands={"pick": "clipmill.analyzer.pick_command:pick"})
