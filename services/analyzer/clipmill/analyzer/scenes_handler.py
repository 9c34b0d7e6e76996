"""The scenes task: find the shots of the source, store them, and submit the analysis once the transcript exists."""

import time

from clipmill.analyzer.scenes.detection_request import DETECTION_TARGET, Detected, DetectionRequest
from clipmill.analyzer.scenes.shots import scenes_from
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load, save_once
from clipmill.artifacts.store import MissingArtifact, Store
from clipmill.contracts import log_lines
from clipmill.contracts.documents import MediaFacts, Scenes
from clipmill.contracts.events import Log, StageFinished, StageStarted
from clipmill.contracts.source_range import used_range
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import AnalyzeTask, ScenesTask
from clipmill.messaging.context import TaskContext
from clipmill.operations import metrics
from clipmill.operations.child import Limits, run_child
from clipmill.operations.processors import processors

MARGIN_SECONDS = 2.0
"""Time on both sides of the part that a job uses, in seconds, which is searched too. A cut is judged by the pictures on
both sides of it, and transitions seldom last longer."""


class ScenesHandler:
    """Handles `ScenesTask`.

    Args:
        store: Artifact store, with the source.
        settings: Settings of the analyzer.
    """

    def __init__(self, store: Store, settings: AnalyzerSettings) -> None:
        self._store = store
        self._settings = settings

    async def __call__(self, task: ScenesTask, context: TaskContext) -> None:
        """Do `task`; doing it again changes nothing."""
        began = time.monotonic()
        seconds = 0.0
        scenes = await load(self._store, layout.scenes(task.job), Scenes)
        if scenes is None:
            await context.emit(StageStarted(job=task.job, stage=Stage.SCENES, line=log_lines.DETECTING))
            scenes = await save_once(self._store, layout.scenes(task.job), await self._detect(task, context))
            seconds = time.monotonic() - began
        if scenes.note:
            await context.emit(Log(job=task.job, name="searched_in_one_pass", line=scenes.note))
        await context.emit(StageFinished(job=task.job, stage=Stage.SCENES, seconds=seconds))
        if await self._store.size(layout.transcript(task.job)) is not None:
            await context.submit(
                AnalyzeTask(job=task.job, options=task.options, priority=task.priority, generation=task.generation)
            )

    async def _detect(self, task: ScenesTask, context: TaskContext) -> Scenes:
        media = await load(self._store, layout.media(task.job), MediaFacts)
        if media is None:
            raise MissingArtifact(layout.media(task.job))
        settings = self._settings
        part, options = used_range(task.options, media.duration), task.options
        request = DetectionRequest(
            store_url=settings.common.store_url,
            key=layout.source(task.job),
            duration=media.duration,
            start=max(part.start - MARGIN_SECONDS, 0.0),
            end=None if options.end is None else min(part.end + MARGIN_SECONDS, media.duration),
            shortest=settings.shot_min_seconds,
            threshold=settings.cut_threshold,
            least_change=settings.cut_least_change,
            longest_side=settings.detection_pixels,
            processes=max(1, processors() // settings.scenes_slots),
            chunk_seconds=settings.detection_span_seconds,
            memory_bytes=settings.detection_memory_bytes,
        )
        limits = Limits(
            seconds=settings.detection_base_seconds + settings.detection_seconds_per_second * media.duration,
            resident_bytes=settings.detection_memory_bytes,
        )
        detected = await run_child(DETECTION_TARGET, request, Detected, limits=limits, on_progress=context.progress)
        if detected.note:
            context.log.warning("chunks_not_joined", sentence=detected.note)
            metrics.fallback("searched_in_one_go")
        context.log.info(
            "shots_found",
            cuts=len(detected.cuts),
            transitions=len(detected.transitions),
            frames=detected.frames,
            skipped=detected.skipped,
            chunks=detected.chunks,
        )
        return scenes_from(detected, media.duration)
