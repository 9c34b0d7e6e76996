"""The events of a job of three clips, from its submission to its last clip, as real services publish them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from clipmill.contracts import log_lines
from clipmill.contracts.documents import Cost, Origin
from clipmill.contracts.events import (
    ClipRendered,
    ClipsPlanned,
    CostKnown,
    Event,
    Queued,
    StageFinished,
    StageProgress,
    StageStarted,
    Started,
)
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from clipmill.gateway.projection import fold

CLIPS = 3
PERCENTS = (25, 50, 75)
LINES = {
    Stage.DOWNLOAD: log_lines.DOWNLOADING[Origin.URL],
    Stage.TRANSCRIBE: log_lines.TRANSCRIBING,
    Stage.SCENES: log_lines.DETECTING,
    Stage.ANALYZE: log_lines.ANALYZING_LOCALLY,
}


@dataclass(frozen=True)
class StoryEvent:
    """An event of a story.

    Attributes:
        event: Event to publish.
        lines: Number of lines of the job's log after the event is folded.
        adds_line: True if the event brought the last of these lines.
    """

    event: Event
    lines: int
    adds_line: bool


def public_clip(job: JobId, number: int) -> PublicClip:
    """Return a clip whose texts are as long as real ones."""
    return PublicClip(
        video_url=f"/videos/{job}/talk_clip_{number}.mp4",
        title="Nobody tells you this about the first thousand days",
        video_description_for_tiktok="What changes when you stop waiting for the right moment? #work #life #focus " * 2,
        video_description_for_instagram="What changes when you stop waiting for the right moment? #work #life " * 2,
        video_title_for_youtube_short="Nobody tells you this about the first thousand days",
        start=12.5 * number,
        end=12.5 * number + 30,
        virality_score=82,
    )


def story(job: JobId) -> list[StoryEvent]:
    """Return the events of `job` in order; the last one completes it."""
    at = round(time.time(), 3)
    events: list[StoryEvent] = []
    first, *more = _events(job, at)
    document = fold.begin(1, first)
    assert document is not None
    events.append(StoryEvent(first, len(document.logs), adds_line=True))
    for sequence, event in enumerate(more, 2):
        before = len(document.logs)
        fold.fold(document, sequence, event)
        events.append(StoryEvent(event, len(document.logs), adds_line=len(document.logs) > before))
    assert document.state.terminal
    return events


def _events(job: JobId, at: float) -> list[Event]:
    events: list[Event] = [Queued(job=job, source="https://example.com/talk.mp4", at=at), Started(job=job, at=at)]
    for stage, line in LINES.items():
        events.append(StageStarted(job=job, stage=stage, line=line, at=at))
        events += [StageProgress(job=job, stage=stage, attempt=1, percent=percent, at=at) for percent in PERCENTS]
        events.append(StageFinished(job=job, stage=stage, seconds=1.5, at=at))
    events += [CostKnown(job=job, cost=Cost(), at=at), ClipsPlanned(job=job, count=CLIPS, at=at)]
    events.append(StageStarted(job=job, stage=Stage.RENDER, at=at))
    for clip in range(1, CLIPS + 1):
        events += [
            StageProgress(job=job, stage=Stage.RENDER, attempt=1, percent=percent, clip=clip, at=at)
            for percent in PERCENTS
        ]
        events.append(StageFinished(job=job, stage=Stage.RENDER, clip=clip, seconds=9.5, at=at))
        events.append(ClipRendered(job=job, clip=clip, public=public_clip(job, clip), at=at))
    return events


async def publish_stories(jobs: int, at_once: int, publish: Callable[[StoryEvent], Awaitable[None]]) -> int:
    """Publish the stories of `jobs` jobs, `at_once` of them interleaved; return how many events there were."""
    stories = [story(new_job_id()) for _ in range(jobs)]
    waiting = iter(stories)

    async def some() -> None:
        for each in waiting:
            for event in each:
                await publish(event)

    await asyncio.gather(*(some() for _ in range(at_once)))
    return sum(map(len, stories))
