"""The render task: it stores the video, the poster and the captions of one planned clip."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import MissingArtifact, Store
from clipmill.contracts.api import clip_url
from clipmill.contracts.documents import ClipFacts, MediaFacts, Plan, PlannedClip, Scenes, Segment, Transcript
from clipmill.contracts.events import ClipRendered, Log, StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import CaptionStyle
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from clipmill.contracts.tasks import RenderTask
from clipmill.messaging.context import TaskContext
from clipmill.operations.metrics import fallback
from clipmill.operations.scratch_dir import scratch_dir
from clipmill.operations.warm_pool import WarmPool
from clipmill.renderer.clip_request import (
    CLIP_NAME,
    POSTER_NAME,
    SUBRIP_NAME,
    WEBVTT_NAME,
    Rendered,
    RenderRequest,
)
from clipmill.renderer.quality import EncoderChoice
from clipmill.renderer.settings import RendererSettings
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import Counter, Histogram

T = TypeVar("T", bound=Struct)

SCRATCH_PREFIX = "clipmill-render-"

_frames = Counter("clipmill_render_frames", "Video frames of finished clips.")
_seconds = Histogram(
    "clipmill_render_seconds",
    "Wall-clock seconds that rendering a clip took.",
    buckets=(1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800),
)
_ratio = Histogram(
    "clipmill_render_time_ratio",
    "Ratios of rendering time to clip length; below 1 is faster than the clip plays.",
    buckets=(0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10),
)
_encoded = Counter("clipmill_render_clips", "Finished clips, by encoder.", ["encoder"])
_layouts = Counter("clipmill_render_layouts", "Shots of finished clips, by layout.", ["layout"])


class RenderHandler:
    """Renders clips.

    Args:
        store: Store of the artifacts.
        settings: The renderer's settings.
        children: Processes that run `RENDER_TARGET`.
    """

    def __init__(self, store: Store, settings: RendererSettings, children: WarmPool) -> None:
        self._store = store
        self._settings = settings
        self._children = children

    async def __call__(self, task: RenderTask, context: TaskContext) -> None:
        """Render the clip that `task` names, unless it is stored already, and publish its events.

        Raises:
            Permanent: The plan has no such clip, or its source cannot be rendered.
            Transient: Another attempt may succeed.
        """
        work = await self._load(task.job)
        planned = _planned(work.plan, task.number)
        await context.emit(StageStarted(job=task.job, stage=Stage.RENDER))
        facts = await documents.load(self._store, layout.clip_facts(task.job, task.number), ClipFacts)
        seconds = 0.0
        if facts is None:
            began = time.monotonic()
            facts = await self._render(task, context, work, planned)
            seconds = time.monotonic() - began
            _measure(facts, seconds)
            self._report(context, facts, seconds)
        for line in self._notable(task.job, facts, work.media):
            await context.emit(line)
        await context.emit(StageFinished(job=task.job, stage=Stage.RENDER, clip=task.number, seconds=seconds))
        await context.emit(
            ClipRendered(job=task.job, clip=task.number, public=_public(task.job, work.media.stem, planned))
        )

    async def _load(self, job: JobId) -> "_Work":
        return _Work(
            media=await self._document(layout.media(job), MediaFacts),
            plan=await self._document(layout.plan(job), Plan),
            scenes=await self._document(layout.scenes(job), Scenes),
            transcript=await self._document(layout.transcript(job), Transcript),
        )

    async def _document(self, key: str, kind: type[T]) -> T:
        document = await documents.load(self._store, key, kind)
        if document is None:
            raise MissingArtifact(key)
        return document

    async def _render(self, task: RenderTask, context: TaskContext, work: "_Work", planned: PlannedClip) -> ClipFacts:
        async with scratch_dir(SCRATCH_PREFIX) as directory:
            request = self._request(task, work, planned, directory)
            rendered = await self._children.call(request, Rendered, on_progress=context.progress)
            return await self._publish(task, rendered, directory)

    def _request(self, task: RenderTask, work: "_Work", planned: PlannedClip, directory: Path) -> RenderRequest:
        settings = self._settings
        return RenderRequest(
            store_url=settings.common.store_url,
            source_key=layout.source(task.job),
            audio_index=None if work.media.audio is None else work.media.audio.index,
            frame_rate=work.media.video.frame_rate,
            start=planned.start,
            end=planned.end,
            shots=work.scenes.shots,
            segments=tuple(_touching(work.transcript.segments, planned)),
            language=work.transcript.language,
            title=planned.title,
            options=replace(task.options, captions=_drawn(task.options.captions, work.plan)),
            directory=str(directory),
            models_dir=str(settings.common.models_dir),
            quality=settings.encoding(),
            faces_per_second=settings.faces_per_second,
            fade_in=planned.fade_in,
            fade_out=planned.fade_out,
        )

    async def _publish(self, task: RenderTask, rendered: Rendered, directory: Path) -> ClipFacts:
        """Store the files, then the facts; a file that another worker has stored is never replaced."""
        job, number = task.job, task.number
        files = (
            (layout.clip(job, number), CLIP_NAME),
            (layout.poster(job, number), POSTER_NAME),
            (layout.captions(job, number), WEBVTT_NAME),
            (layout.subtitles(job, number), SUBRIP_NAME),
        )
        for key, name in files:
            await self._store.put_file(key, directory / name, create=True)
        facts = ClipFacts(
            number=number,
            duration=rendered.duration,
            width=rendered.width,
            height=rendered.height,
            frames=rendered.frames,
            size_bytes=await self._store.size(layout.clip(job, number)) or 0,
            shots=rendered.shots,
            encoder=rendered.encoder,
            loudness_lufs=rendered.loudness_lufs,
            true_peak_dbtp=rendered.true_peak_dbtp,
            missing_letters=rendered.missing_letters,
            unshaped=rendered.unshaped,
            sound_reduced=rendered.sound_reduced,
        )
        return await documents.save_once(self._store, layout.clip_facts(job, number), facts)

    def _report(self, context: TaskContext, facts: ClipFacts, seconds: float) -> None:
        """Log how the clip was rendered, and count each fallback."""
        context.log.info(
            "clip_rendered",
            seconds=round(seconds, 1),
            length=round(facts.duration, 2),
            encoder=facts.encoder,
            layouts=[shot.layout for shot in facts.shots],
            loudness_lufs=facts.loudness_lufs,
            true_peak_dbtp=facts.true_peak_dbtp,
        )
        if facts.missing_letters:
            fallback("missing_letters")
        if facts.unshaped:
            fallback("unshaped_letters")
        if facts.sound_reduced:
            fallback("reduced_sound")
        if self._without_nvenc(facts):
            context.log.warning("nvenc_skipped", encoder=facts.encoder)
            fallback("encoding_without_nvenc")

    def _without_nvenc(self, facts: ClipFacts) -> bool:
        """Return whether another encoder made the picture although the settings name NVENC."""
        return self._settings.encoder is EncoderChoice.NVENC and facts.encoder != EncoderChoice.NVENC

    def _notable(self, job: JobId, facts: ClipFacts, media: MediaFacts) -> Iterator[Log]:
        """Yield the log lines that the submitter should read before using a clip."""
        yield from _flaws(job, facts, media)
        if self._without_nvenc(facts):
            line = f"Clip {facts.number} was encoded with {facts.encoder} because NVENC does not work on this machine."
            yield Log(job=job, name=f"encoding_without_nvenc_{facts.number}", line=line)


class _Work(Struct, frozen=True):
    """The documents of the earlier stages."""

    media: MediaFacts
    plan: Plan
    scenes: Scenes
    transcript: Transcript


def _planned(plan: Plan, number: int) -> PlannedClip:
    for clip in (*plan.clips, *plan.reserve):
        if clip.number == number:
            return clip
    raise Permanent(ErrorCode.INTERNAL, f"The plan has no clip {number}; submit the video again.")


def _drawn(choice: CaptionStyle, plan: Plan) -> CaptionStyle:
    """Return the style to draw: the job's own, or for `auto` that of the plan.

    Plans of older versions decide nothing, and their captions are bold.
    """
    if choice is not CaptionStyle.AUTO:
        return choice
    return plan.captions.style if plan.captions else CaptionStyle.BOLD


def _touching(segments: tuple[Segment, ...], clip: PlannedClip) -> list[Segment]:
    return [segment for segment in segments if segment.end > clip.start and segment.start < clip.end]


def _public(job: JobId, stem: str, clip: PlannedClip) -> PublicClip:
    return PublicClip(
        video_url=clip_url(job, stem, clip.number),
        title=clip.title,
        video_description_for_tiktok=clip.tiktok,
        video_description_for_instagram=clip.instagram,
        video_title_for_youtube_short=clip.youtube,
        start=clip.start,
        end=clip.end,
        virality_score=clip.score,
    )


def _flaws(job: JobId, facts: ClipFacts, media: MediaFacts) -> Iterator[Log]:
    """Yield a log line for each flaw of a clip."""
    if facts.missing_letters:
        one = len(facts.missing_letters) == 1
        letters, them = ("letter", "it") if one else ("letters", "them")
        line = f"Clip {facts.number} lacks the {letters} {facts.missing_letters} because no font has {them}."
        yield Log(job=job, name=f"missing_letters_{facts.number}", line=line)
    if facts.unshaped:
        line = f"Clip {facts.number} shows letters unjoined or out of order because FriBidi is not installed."
        yield Log(job=job, name=f"unshaped_letters_{facts.number}", line=line)
    if facts.sound_reduced:
        line = (
            f"Clip {facts.number} has only the first channel of the source's sound, or is silent in places, because "
            "the source's channels cannot be mixed."
        )
        yield Log(job=job, name=f"reduced_sound_{facts.number}", line=line)
    if facts.loudness_lufs is None and media.audio is not None:
        line = f"Clip {facts.number} is silent because the source has no sound there."
        yield Log(job=job, name=f"silent_{facts.number}", line=line)


def _measure(facts: ClipFacts, seconds: float) -> None:
    _frames.inc(facts.frames)
    _seconds.observe(seconds)
    _ratio.observe(seconds / max(facts.duration, 0.1))
    _encoded.labels(encoder=facts.encoder).inc()
    for shot in facts.shots:
        _layouts.labels(layout=shot.layout).inc()
