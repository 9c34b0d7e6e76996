"""The transcribe task: read, decide, do, publish."""

import time
from collections.abc import Callable
from pathlib import Path

from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import MissingArtifact, Store
from clipmill.contracts.documents import GIVEN, MediaFacts, Transcript
from clipmill.contracts.events import Log, StageFinished, StageStarted
from clipmill.contracts.log_lines import PLACING, TRANSCRIBING
from clipmill.contracts.source_range import used_range
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import AnalyzeTask, TranscribeTask
from clipmill.messaging.context import TaskContext
from clipmill.operations.metrics import fallback
from clipmill.transcriber.fallbacks import FALLBACKS
from clipmill.transcriber.models.model_processes import ModelProcesses
from clipmill.transcriber.settings import TranscriberSettings
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest, SpeechResult
from prometheus_client import Counter

_audio_seconds = Counter("clipmill_transcribed_audio_seconds", "Seconds of sound transcribed.")


class TranscribeHandler:
    """The handler of `TranscribeTask`, which turns the artifact `source` into the document `transcript.json`.

    Args:
        store: Store of both artifacts.
        settings: Settings of the service, which choose the model.
        models: Processes that hold the model.
    """

    def __init__(self, store: Store, settings: TranscriberSettings, models: ModelProcesses) -> None:
        self._store = store
        self._settings = settings
        self._models = models

    async def __call__(self, task: TranscribeTask, context: TaskContext) -> None:
        """Do one task.

        Raises:
            Permanent: if the source can never be transcribed.
            Transient: if another attempt may work.
        """
        key = layout.transcript(task.job)
        seconds = 0.0
        transcript = await documents.load(self._store, key, Transcript)
        if transcript is None:
            line = PLACING if task.options.transcript else TRANSCRIBING
            await context.emit(StageStarted(job=task.job, stage=Stage.TRANSCRIBE, line=line))
            started = time.monotonic()
            transcript = await documents.save_once(self._store, key, await self._transcribe(task, context))
            seconds = time.monotonic() - started
        await context.emit(
            StageFinished(
                job=task.job,
                stage=Stage.TRANSCRIBE,
                seconds=round(seconds, 3),
                whisper_seconds=_recognised_seconds(transcript),
            )
        )
        if await self._store.size(layout.scenes(task.job)) is not None:
            await context.submit(
                AnalyzeTask(job=task.job, options=task.options, priority=task.priority, generation=task.generation)
            )

    async def _transcribe(self, task: TranscribeTask, context: TaskContext) -> Transcript:
        key = layout.media(task.job)
        media = await documents.load(self._store, key, MediaFacts)
        if media is None:
            raise MissingArtifact(key)
        given = await self._given(task)
        if media.audio is None and given is None:
            context.log.info("transcription_skipped", reason="the source has no audio stream")
            return Transcript(language="", duration=0.0)
        part = used_range(task.options, media.duration)
        request = SpeechRequest(
            engine=engine_request(self._settings, task.options.model),
            store_url=self._settings.common.store_url,
            key=layout.source(task.job),
            audio_index=None if media.audio is None else media.audio.index,
            duration=media.duration,
            start=part.start_ms / 1000,
            end=None if task.options.end is None else part.end_ms / 1000,
            language=task.options.language,
            vocabulary=task.options.vocabulary,
            given=given,
        )
        result = await self._recognise(request, context.progress)
        await self._report(task, context, result)
        return result.transcript

    async def _given(self, task: TranscribeTask) -> Transcript | None:
        """Return the transcript that the submitter gave, None if there is none."""
        if not task.options.transcript:
            return None
        key = layout.given_transcript(task.job)
        given = await documents.load(self._store, key, Transcript)
        if given is None:
            raise MissingArtifact(key)
        return given

    async def _recognise(self, request: SpeechRequest, on_progress: Callable[[float], None]) -> SpeechResult:
        result = await self._models.transcribe(request, on_progress)
        _audio_seconds.inc(_recognised_seconds(result.transcript))
        return result

    async def _report(self, task: TranscribeTask, context: TaskContext, result: SpeechResult) -> None:
        """Log the result; the job's log gets the choice of the model, and each fallback, which a metric counts."""
        transcript = result.transcript
        engine = transcript.engine
        context.log.info(
            "source_transcribed",
            audio_seconds=transcript.duration,
            range_start=task.options.start,
            range_end=task.options.end,
            language=transcript.language,
            segments=len(transcript.segments),
            model=engine.model if engine else None,
            model_reason=result.model_reason or None,
            device=engine.device if engine else None,
            compute_type=engine.compute_type if engine else None,
            word_times=engine.word_times if engine else None,
            batch_size=result.batch_size,
            heard_again=result.heard_again,
        )
        if result.model_reason:
            await context.emit(Log(job=task.job, name="model_chosen", line=f"Speech model: {result.model_reason}"))
        if result.batch_reduced:
            context.log.warning(
                "batch_size_reduced",
                wanted=self._settings.batch_size,
                now=result.batch_size,
                sequences=result.sequences,
            )
        for each in FALLBACKS:
            if problem := each.problem(result):
                context.log.warning(each.log_event, language=transcript.language, **{each.detail: problem})
                fallback(each.kind)
                line = each.line.format(language=transcript.language, problem=problem)
                await context.emit(Log(job=task.job, name=each.name, line=line))


def _recognised_seconds(transcript: Transcript) -> float:
    """Return the duration of the sound that was recognised, in seconds: none of it if the transcript was given."""
    given = transcript.engine is not None and transcript.engine.name == GIVEN
    return 0.0 if given else transcript.duration


def engine_request(settings: TranscriberSettings, model: str | None = None) -> EngineRequest:
    """Return the request that tells the model process what to load.

    Args:
        settings: Settings of the service.
        model: Model that the job chose, None for that of the service.
    """
    return EngineRequest(
        model=model or settings.model,
        models_dir=str(Path(settings.common.models_dir).absolute()),
        device=settings.device,
        compute_type=settings.compute_type,
        threads=settings.threads,
        batch_size=settings.batch_size,
        beam_size=settings.beam_size,
        alignment=settings.alignment,
        diarize=settings.diarize,
    )
