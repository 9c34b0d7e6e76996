"""The analyze task: decide which moments become clips, store the plan, and ask for each clip's rendering."""

import asyncio
import time
from typing import TYPE_CHECKING

from clipmill.analyzer.conversation import ask_for_moments
from clipmill.analyzer.costs import PriceTable, Spending, added
from clipmill.analyzer.planning import Material, Moment, pick_locally, planned
from clipmill.analyzer.provider import ProviderFailure, Unavailable
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.documents import T, load, save_once
from clipmill.artifacts.store import MissingArtifact, Store
from clipmill.contracts import log_lines
from clipmill.contracts.documents import Cost, MediaFacts, Plan, Scenes, Transcript
from clipmill.contracts.events import ClipsPlanned, CostKnown, Log, StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import JobId, Stage
from clipmill.contracts.tasks import AnalyzeTask, RenderTask
from clipmill.messaging.context import TaskContext
from clipmill.operations import metrics
from clipmill.operations.logs import concealed

if TYPE_CHECKING:
    from clipmill.analyzer.gemini import Gemini

LOCAL_PICKER = "local"
INSTEAD = "Clips are picked locally instead."


class MomentsHandler:
    """Handles `AnalyzeTask`.

    Args:
        store: where the documents are read and the plan goes.
        settings: of the analyzer.
        prices: what models cost.
    """

    def __init__(self, store: Store, settings: AnalyzerSettings, prices: PriceTable) -> None:
        self._store = store
        self._settings = settings
        self._prices = prices

    async def __call__(self, task: AnalyzeTask, context: TaskContext) -> None:
        """Do `task`; done twice, it changes nothing."""
        began = time.monotonic()
        seconds = 0.0
        plan = await load(self._store, layout.plan(task.job), Plan)
        if plan is None:
            key = await self._key(context)
            line = log_lines.ANALYZING_LOCALLY if key is None else log_lines.ANALYZING_WITH_GEMINI
            await context.emit(StageStarted(job=task.job, stage=Stage.ANALYZE, line=line))
            plan = await save_once(self._store, layout.plan(task.job), await self._plan(task, context, key))
            seconds = time.monotonic() - began
        await _publish(plan, task, context, seconds)

    async def _key(self, context: TaskContext) -> str | None:
        """The job's own key, or else the operator's."""
        own = await context.secret()
        if own:
            return own
        configured = self._settings.gemini_api_key
        return configured.reveal() if configured else None

    async def _plan(self, task: AnalyzeTask, context: TaskContext, key: str | None) -> Plan:
        media = await self._document(layout.media(task.job), MediaFacts)
        transcript = await self._document(layout.transcript(task.job), Transcript)
        scenes = await self._document(layout.scenes(task.job), Scenes)
        material = await asyncio.to_thread(Material, media, transcript, scenes, task.options)
        note = "" if material.words else "Nothing is said in this video: clips are chosen by its shots."
        proposed: tuple[Moment, ...] = ()
        cost = await self._spent_before(task, context.attempt)
        if key is not None and material.readable:
            with concealed(key):
                proposed, note, spent = await self._ask(task, context, material, key)
            cost = added(cost, spent)
        moments = list(proposed)
        if len(moments) < task.options.target_clips:
            moments += await asyncio.to_thread(pick_locally, material, proposed)
        context.log.info(
            "moments_picked", proposed=len(proposed), picked=len(moments), sentences=len(material.sentences)
        )
        return Plan(
            clips=planned(moments),
            picker=self._settings.gemini_model if proposed else LOCAL_PICKER,
            cost=cost,
            options=task.options,
            note=note,
        )

    async def _ask(
        self, task: AnalyzeTask, context: TaskContext, material: Material, key: str
    ) -> tuple[tuple[Moment, ...], str, Cost]:
        """Return the moments that Gemini proposes, what the job's log says about them, and what asking cost.

        Raises:
            Transient: if Gemini should be asked again later.
        """
        wanted = material.speech_room
        spending = Spending(self._prices, self._settings.gemini_model)
        try:
            async with await asyncio.to_thread(_open_gemini, key, self._settings) as gemini:
                moments = await ask_for_moments(gemini, material, wanted, spending)
        except ProviderFailure as failure:
            context.log.warning("provider_failed", outcome=str(failure.outcome), sentence=failure.sentence)
            if isinstance(failure, Unavailable) and self._patient(failure, context.attempt):
                await save_once(self._store, _spent_key(task.job, task.generation, context.attempt), spending.cost)
                raise Transient(ErrorCode.PROVIDER_FAILED, failure.sentence, failure.retry_after) from failure
            metrics.fallback("local_picker")
            return (), f"{failure.sentence} {INSTEAD}", spending.cost
        note = ""
        if not moments:
            metrics.fallback("local_picker")
            note = f"Gemini's answers cannot be used. {INSTEAD}"
        elif len(moments) < wanted:
            metrics.fallback("local_picker_partly")
            note = f"{len(moments)} of {wanted} clips are Gemini's choice, the others are picked locally."
        return moments, note, spending.cost

    def _patient(self, failure: Unavailable, attempt: int) -> bool:
        """Whether to come back later: the pause is bearable, and a try is left after the next one."""
        bearable = (failure.retry_after or 0.0) <= self._settings.gemini_patience_seconds
        return bearable and attempt < self._settings.analyze_attempts - 1

    async def _spent_before(self, task: AnalyzeTask, attempt: int) -> Cost:
        """What tries before this one spent in vain, those before the job was reopened included."""
        cost = Cost()
        limit = self._settings.analyze_attempts
        for generation in range(task.generation + 1):
            for earlier in range(1, attempt if generation == task.generation else limit + 1):
                spent = await load(self._store, _spent_key(task.job, generation, earlier), Cost)
                cost = added(cost, spent) if spent else cost
        return cost

    async def _document(self, key: str, kind: type[T]) -> T:
        document = await load(self._store, key, kind)
        if document is None:
            raise MissingArtifact(key)
        return document


async def _publish(plan: Plan, task: AnalyzeTask, context: TaskContext, seconds: float) -> None:
    """Say what `plan` holds and hand out its clips, the best first."""
    job = task.job
    if plan.note:
        await context.emit(Log(job=job, name="picker", line=plan.note))
    await context.emit(CostKnown(job=job, cost=plan.cost))
    await context.emit(StageFinished(job=job, stage=Stage.ANALYZE, seconds=seconds))
    await context.emit(ClipsPlanned(job=job, count=len(plan.clips)))
    for clip in plan.clips:
        await context.submit(
            RenderTask(
                job=job,
                options=task.options,
                priority=task.priority,
                generation=task.generation,
                number=clip.number,
            )
        )


def _spent_key(job: JobId, generation: int, attempt: int) -> str:
    """Where a try that failed after asking leaves what it spent."""
    return f"{layout.job_prefix(job)}/analyze/spent-{generation}-{attempt}.json"


def _open_gemini(key: str, settings: AnalyzerSettings) -> "Gemini":
    # Imported at the first need: the library takes a second and 60 MB, which a service without a key is spared.
    from clipmill.analyzer.gemini import Gemini  # noqa: PLC0415

    return Gemini(
        key,
        settings.gemini_model,
        settings.gemini_base_url,
        settings.gemini_timeout_seconds,
        settings.gemini_output_tokens,
    )
