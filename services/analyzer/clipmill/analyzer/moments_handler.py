"""The analyze task: pick the moments that become clips, store the plan, and submit the rendering of each clip."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import NoReturn

from clipmill.analyzer.asking.answered_chunks import AnsweredChunks
from clipmill.analyzer.asking.conversation import Conversation, Reading
from clipmill.analyzer.asking.costs import PriceTable, Spending, added
from clipmill.analyzer.asking.provider import ProviderFailure, Refused, Unavailable
from clipmill.analyzer.asking.transcript_text import likeliest
from clipmill.analyzer.model_choice import Choice, choose
from clipmill.analyzer.picking.proposed_moments import adopted
from clipmill.analyzer.plan import LOCAL_PICKER, plan_of
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.analyzer.talk.audience import bundled, understands
from clipmill.analyzer.talk.material import FEWEST_CLIPS, Material
from clipmill.analyzer.talk.moments import Moment
from clipmill.artifacts import layout
from clipmill.artifacts.documents import T, load, save_once
from clipmill.artifacts.store import MissingArtifact, Store
from clipmill.contracts import log_lines
from clipmill.contracts.documents import Cost, MediaFacts, Plan, Scenes, Transcript
from clipmill.contracts.events import ClipsPlanned, CostKnown, Log, StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import CaptionStyle
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import AnalyzeTask, RenderTask
from clipmill.messaging.context import TaskContext
from clipmill.operations import metrics
from clipmill.operations.logs import concealed
from msgspec import Struct

INSTEAD = "Clips are picked locally instead."


class _Asked(Struct, frozen=True, kw_only=True):
    """The result of asking a model.

    Attributes:
        moments: Moments that the model chose, the best first.
        note: Line for the job's log; empty for none.
        cost: Cost of asking.
        searched: True if the model has searched the transcript for the job's subject.
    """

    moments: tuple[Moment, ...] = ()
    note: str = ""
    cost: Cost = Cost()
    searched: bool = False


class MomentsHandler:
    """Handles `AnalyzeTask`.

    Args:
        store: Artifact store, for the documents and the plan.
        settings: Settings of the analyzer.
        prices: Price table of models.
    """

    def __init__(self, store: Store, settings: AnalyzerSettings, prices: PriceTable) -> None:
        self._store = store
        self._settings = settings
        self._prices = prices

    async def __call__(self, task: AnalyzeTask, context: TaskContext) -> None:
        """Do `task`; doing it again changes nothing."""
        began = time.monotonic()
        seconds = 0.0
        plan = await load(self._store, layout.plan(task.job), Plan)
        if plan is None:
            choice = choose(self._settings, await context.secret())
            line = choice.line if choice else log_lines.ANALYZING_LOCALLY
            await context.emit(StageStarted(job=task.job, stage=Stage.ANALYZE, line=line))
            plan = await save_once(self._store, layout.plan(task.job), await self._plan(task, context, choice))
            seconds = time.monotonic() - began
        await _publish(plan, task, context, seconds)

    async def _plan(self, task: AnalyzeTask, context: TaskContext, choice: Choice | None) -> Plan:
        media = await self._document(layout.media(task.job), MediaFacts)
        transcript = await self._document(layout.transcript(task.job), Transcript)
        scenes = await self._document(layout.scenes(task.job), Scenes)
        audience = await asyncio.to_thread(bundled) if self._settings.audience else None
        material = await asyncio.to_thread(Material, media, transcript, scenes, task.options, audience)
        by = "their sound and shots" if material.levels else "their shots"
        place = "this video" if material.whole else "this part of the video"
        silent = f"the words of {place} are not known" if material.unknown else f"nobody speaks in {place}"
        note = "" if material.words else f"Clips are chosen by {by} because {silent}."
        if choice is not None and material.guessed:
            note = f"{choice.name} is not asked because most words are guesses; clips are picked locally."
        elif choice is not None and material.words and not material.readable:
            note = (
                f"{choice.name} is not asked because no sequence of whole sentences is between "
                f"{task.options.clip_min_seconds:g} and {task.options.clip_max_seconds:g} seconds long; "
                "clips are picked locally."
            )
        asked = _Asked(note=note)
        if choice is not None and material.readable:
            with concealed(choice.key or ""):
                asked = await self._ask(task, context, material, choice)
        moments = asked.moments
        plan = await asyncio.to_thread(
            plan_of,
            material,
            moments,
            picker=choice.model if choice is not None and (moments or asked.searched) else LOCAL_PICKER,
            cost=added(await self._spent_before(task, context.attempt), asked.cost),
            note=asked.note,
            searched=asked.searched,
        )
        sentences = len(material.sentences)
        context.log.info(
            "moments_picked",
            proposed=len(moments),
            picked=len(plan.clips),
            reserved=len(plan.reserve),
            sentences=sentences,
        )
        return plan

    async def _ask(self, task: AnalyzeTask, context: TaskContext, material: Material, choice: Choice) -> "_Asked":
        """Return what the model proposes, the line about it for the job's log, and the cost of asking.

        Raises:
            Transient: if the model should be asked again later.
        """
        subject = material.subject
        spending = Spending(self._prices, choice.model, free_unlisted=choice.free_unlisted)
        async with contextlib.AsyncExitStack() as stack:
            try:
                provider = await stack.enter_async_context(await asyncio.to_thread(choice.open))
            except Refused as refusal:
                return _instead(refusal.sentence, spending)
            conversation = Conversation(
                provider=provider,
                material=material,
                wanted=material.speech_room,
                spending=spending,
                chunk_tokens=self._settings.part_tokens,
                parallel=choice.parallel,
                answered=AnsweredChunks(self._store, task.job, task.generation, choice.model),
                marked=await asyncio.to_thread(_marked, material),
            )
            reading = await conversation.read()
            for failure in reading.failures:
                context.log.warning("provider_failed", outcome=str(failure.outcome), sentence=failure.sentence)
            if reading.passing is not None and self._patient(reading.passing, context.attempt):
                await self._come_back(task, context, reading.passing, spending)
            if subject.named and not reading.moments and not reading.failures:
                return _Asked(cost=spending.cost, searched=True)
            if not reading.moments:
                reasons = [failure.sentence for failure in reading.failures]
                return _instead(
                    reasons[0] if reasons else f"{choice.name} found no moment in this transcript.", spending
                )
            compared, unranked = await _ranked(conversation, reading, context)
            moments = await asyncio.to_thread(adopted, material, compared)
        notes = [_left_out(reading), unranked]
        if conversation.read_tokens is not None:
            metrics.fallback("transcript_cut_short")
            notes.append(
                f"{choice.name} seems to have read only {conversation.read_tokens} tokens of a longer request; "
                "give it a larger context or lower CLIPMILL_ANALYZER_PART_TOKENS."
            )
        if conversation.repaired:
            notes.append(f"{choice.name} was asked twice, because its first answer could not be used.")
        least = conversation.wanted if task.options.target_clips else min(conversation.wanted, FEWEST_CLIPS)
        if len(moments) < least and not subject.about:
            metrics.fallback("local_picker_partly")
            notes.append(f"{len(moments)} of {least} clips are {choice.name}'s choice; the others are picked locally.")
        line = " ".join(note for note in notes if note)
        return _Asked(moments=tuple(moments), note=line, cost=spending.cost, searched=subject.named)

    async def _come_back(
        self, task: AnalyzeTask, context: TaskContext, failure: Unavailable, spending: Spending
    ) -> NoReturn:
        """Store the cost of this try and end it so that the task is tried again.

        Raises:
            Transient: always.
        """
        await save_once(self._store, _spent_key(task.job, task.generation, context.attempt), spending.cost)
        name = f"picker-{task.generation}-{context.attempt}"
        tried = f"Try {context.attempt} of {self._asking_tries} failed"
        line = f"{failure.sentence} {tried}; the model is asked again later."
        await context.emit(Log(job=task.job, name=name, line=line))
        raise Transient(ErrorCode.PROVIDER_FAILED, failure.sentence, failure.retry_after) from failure

    def _patient(self, failure: Unavailable, attempt: int) -> bool:
        """Return whether to ask again later: the pause is short enough, and a try is left after the next one."""
        bearable = (failure.retry_after or 0.0) <= self._settings.provider_patience_seconds
        return bearable and attempt < self._asking_tries

    @property
    def _asking_tries(self) -> int:
        """Number of the try that picks locally if the model gives no answer; later tries replace workers that died."""
        return self._settings.analyze_attempts - 1

    async def _spent_before(self, task: AnalyzeTask, attempt: int) -> Cost:
        """Return the cost of all failed tries before this one, also of those before the job was reopened."""
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
    """Publish the contents of `plan` and submit the rendering of its clips, the best first."""
    job = task.job
    if plan.note:
        await context.emit(Log(job=job, name="picker", line=plan.note))
    if plan.captions is not None and plan.captions.style is CaptionStyle.OFF and plan.captions.reason:
        await context.emit(Log(job=job, name="captions", line=plan.captions.reason))
    await context.emit(CostKnown(job=job, cost=plan.cost))
    await context.emit(StageFinished(job=job, stage=Stage.ANALYZE, seconds=seconds))
    await context.emit(
        ClipsPlanned(job=job, count=len(plan.clips), reserve=len(plan.reserve), good=plan.good, captions=plan.captions)
    )
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
    """Return the key for the cost of a try that failed after asking."""
    return f"{layout.job_prefix(job)}/analyze/spent-{generation}-{attempt}.json"


def _instead(sentence: str, spending: Spending) -> _Asked:
    """Return the result without a choice of the model: no moments, and the line for the job's log."""
    metrics.fallback("local_picker")
    return _Asked(note=f"{sentence} {INSTEAD}", cost=spending.cost)


def _marked(material: Material) -> frozenset[int]:
    """Return the indices of the sentences that audiences would most likely react to, none if that is not known."""
    texts = [sentence.text for sentence in material.sentences]
    if material.audience is None or not understands(texts, material.language):
        return frozenset()
    return likeliest(material.audience.chances(texts).tolist())


async def _ranked(conversation: Conversation, reading: Reading, context: TaskContext) -> tuple[Sequence[Moment], str]:
    """Return the moments, the best first, and a line for the job's log if the model did not compare them."""
    if reading.comparable:
        return reading.moments, ""
    try:
        return await conversation.rank(reading.moments), ""
    except ProviderFailure as failure:
        context.log.warning("ranking_failed", outcome=str(failure.outcome), sentence=failure.sentence)
        metrics.fallback("parts_unranked")
        note = (
            f"{failure.sentence} {conversation.provider.name} read the transcript in several parts, so each clip has "
            "the score that it got within its part; scores from different parts may not be comparable."
        )
        return reading.moments, note


def _left_out(reading: Reading) -> str:
    """Return the line for the job's log about chunks without an answer, empty if there are none."""
    if not reading.failures:
        return ""
    metrics.fallback("parts_left_out")
    lost = len(reading.failures)
    return (
        f"{reading.failures[0].sentence} The model gave no answer about {lost} of {reading.chunks} parts of the "
        "transcript, so it chose no clips there."
    )
