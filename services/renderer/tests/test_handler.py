import asyncio
from fractions import Fraction

import av
import msgspec
import pytest
import structlog
from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import CaptionDecision, ClipFacts, Plan
from clipmill.contracts.events import ClipRendered, Log, StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import Background, CaptionStyle, JobOptions, LayoutChoice, OutputFormat
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import RenderTask
from clipmill.operations.warm_pool import WarmPool
from clipmill.renderer.checking.verification import verify
from clipmill.renderer.clip_request import RENDER_TARGET
from clipmill.renderer.encoding import encoders
from clipmill.renderer.encoding.encoders import VideoFormat
from clipmill.renderer.handler import RenderHandler
from clipmill.renderer.quality import EncoderChoice, Quality, QualityLevel
from clipmill.renderer.settings import RendererSettings
from msgspec.structs import replace
from prometheus_client import REGISTRY

pytestmark = [pytest.mark.media, pytest.mark.slow]


class Recording:
    """A context that records a handler's events and progress."""

    def __init__(self):
        self.attempt = 1
        self.events = []
        self.percents = []
        self.log = structlog.stdlib.get_logger()
        self.under_way = asyncio.Event()

    async def emit(self, event):
        self.events.append(event)

    async def submit(self, task):
        raise AssertionError("nothing follows a clip")

    def progress(self, percent):
        self.percents.append(percent)
        self.under_way.set()


class Asked:
    """Child processes that keep the request and do not work."""

    async def call(self, request, kind, *, on_progress):
        self.request = request
        raise Permanent(ErrorCode.INTERNAL, "That is enough.")


def handler_of(store, settings):
    return RenderHandler(store, settings, WarmPool(RENDER_TARGET, settings.limits(), 0))


async def test_a_clip_is_rendered_stored_and_announced(settings, job_with, tmp_path):
    store, job = await job_with(seconds=4)
    context = Recording()
    await handler_of(store, settings)(RenderTask(job=job, number=1), context)
    assert [type(event) for event in context.events] == [StageStarted, StageFinished, ClipRendered]
    public = context.events[-1].public
    assert public.video_url == f"/videos/{job}/a_talk_clip_1.mp4"
    assert (public.title, public.start, public.end, public.virality_score) == ("T", 0.5, 2.5, 80)
    assert context.percents == sorted(context.percents)
    assert context.percents[-1] > 50
    facts = await documents.load(store, layout.clip_facts(job, 1), ClipFacts)
    assert (facts.frames, facts.duration, facts.encoder) == (50, 2.0, "libx264")
    assert [(shot.start, shot.end, shot.layout) for shot in facts.shots] == [(0.0, 2.0, "fit")]
    assert facts.loudness_lufs == pytest.approx(-14, abs=0.5)
    assert facts.size_bytes == await store.size(layout.clip(job, 1))
    await store.get_file(layout.clip(job, 1), tmp_path / "clip.mp4")
    assert verify(tmp_path / "clip.mp4", 2.0) == []
    for key in (layout.captions(job, 1), layout.subtitles(job, 1)):
        assert b"Good day." in await store.get_bytes(key)
    assert (await store.get_bytes(layout.poster(job, 1)))[:2] == b"\xff\xd8"


async def test_a_request_states_the_frame_rate_of_the_source_and_the_language_of_its_speech(settings, job_with):
    store, job = await job_with(content=b"")
    asked = Asked()
    with pytest.raises(Permanent, match="enough"):
        await RenderHandler(store, settings, asked)(RenderTask(job=job, number=1), Recording())
    assert asked.request.frame_rate == 29.97
    assert asked.request.language == "en"


async def test_a_request_has_the_fades_of_the_planned_clip(settings, job_with):
    store, job = await job_with(content=b"", fade_in=0.1, fade_out=1.75)
    asked = Asked()
    with pytest.raises(Permanent, match="enough"):
        await RenderHandler(store, settings, asked)(RenderTask(job=job, number=1), Recording())
    assert (asked.request.fade_in, asked.request.fade_out) == (0.1, 1.75)


OFF = CaptionDecision(style=CaptionStyle.OFF, reason="Most words are guesses.")
BOLD = CaptionDecision(style=CaptionStyle.BOLD, reason="Most words are sure.")


@pytest.mark.parametrize(
    ("asked", "decided", "drawn"),
    [
        (CaptionStyle.AUTO, OFF, CaptionStyle.OFF),
        (CaptionStyle.AUTO, BOLD, CaptionStyle.BOLD),
        (CaptionStyle.AUTO, None, CaptionStyle.BOLD),  # a plan of an older version
        (CaptionStyle.BOX, OFF, CaptionStyle.BOX),
        (CaptionStyle.BOLD, OFF, CaptionStyle.BOLD),
        (CaptionStyle.OFF, BOLD, CaptionStyle.OFF),
        (CaptionStyle.OFF, None, CaptionStyle.OFF),
    ],
)
async def test_the_plan_decides_about_captions_that_the_job_leaves_open(settings, job_with, asked, decided, drawn):
    store, job = await job_with(content=b"", captions=decided)
    children = Asked()
    task = RenderTask(job=job, number=1, options=JobOptions(captions=asked, hook=True))
    with pytest.raises(Permanent, match="enough"):
        await RenderHandler(store, settings, children)(task, Recording())
    assert children.request.options == JobOptions(captions=drawn, hook=True)


@pytest.mark.parametrize(("decided", "inked"), [(OFF, False), (BOLD, True), (None, True)])
async def test_captions_that_are_left_open_are_drawn_by_the_plan_and_are_always_beside_the_clip(
    settings, job_with, tmp_path, decided, inked
):
    store, job = await job_with(seconds=4, captions=decided)
    await handler_of(store, settings)(RenderTask(job=job, number=1, options=JobOptions()), Recording())
    await store.get_file(layout.clip(job, 1), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        pictures = [frame.to_ndarray(format="gray")[1100:1500] for frame in container.decode(video=0)]
    assert bool((pictures[25] > 220).sum() > 2000) is inked
    assert b"Good day." in await store.get_bytes(layout.subtitles(job, 1))


async def test_a_clip_looks_as_the_job_asked(settings, job_with):
    store, job = await job_with(seconds=4)
    look = JobOptions(
        captions=CaptionStyle.BOX,
        output_format=OutputFormat.SQUARE,
        layout=LayoutChoice.FIT,
        background=Background.SOLID,
        hook=True,
    )
    await handler_of(store, settings)(RenderTask(job=job, number=1, options=look), Recording())
    facts = await documents.load(store, layout.clip_facts(job, 1), ClipFacts)
    assert (facts.width, facts.height) == (1080, 1080)
    assert [shot.layout for shot in facts.shots] == ["fit"]


async def test_the_flaws_of_a_clip_are_in_the_jobs_log_after_each_delivery(settings, job_with):
    store, job = await job_with(content=b"")
    facts = ClipFacts(
        number=1,
        duration=2.0,
        width=1080,
        height=1920,
        frames=50,
        size_bytes=1,
        missing_letters="\U000133d1",
        unshaped=True,
        sound_reduced=True,
    )
    await documents.save_once(store, layout.clip_facts(job, 1), facts)
    reported = []
    for _ in range(2):
        context = Recording()
        await handler_of(store, settings)(RenderTask(job=job, number=1), context)
        reported.append([(event.key, event.line) for event in context.events if isinstance(event, Log)])
    assert reported[0] == reported[1]
    assert [line for _, line in reported[0]] == [
        "Clip 1 lacks the letter \U000133d1 because no font has it.",
        "Clip 1 shows letters unjoined or out of order because FriBidi is not installed.",
        "Clip 1 has only the first channel of the source's sound, or is silent in places, because the source's "
        "channels cannot be mixed.",
        "Clip 1 is silent because the source has no sound there.",
    ]


def fallbacks(kind):
    return REGISTRY.get_sample_value("clipmill_fallbacks_total", {"kind": kind}) or 0.0


async def test_a_clip_encoded_without_the_nvenc_that_is_set_says_so_in_the_jobs_log(settings, job_with):
    if encoders.nvenc_fault(VideoFormat(1080, 1920, Fraction(25))) is None:
        pytest.skip("NVENC works here")
    store, job = await job_with(seconds=4)
    with_nvenc = msgspec.structs.replace(settings, encoder=EncoderChoice.NVENC)
    before, reported = fallbacks("encoding_without_nvenc"), []
    for _ in range(2):
        context = Recording()
        await handler_of(store, with_nvenc)(RenderTask(job=job, number=1), context)
        reported.append([(event.key, event.line) for event in context.events if isinstance(event, Log)])
    assert reported[0] == reported[1]
    assert [line for _, line in reported[0]] == [
        "Clip 1 was encoded with libx264 because NVENC does not work on this machine."
    ]
    assert fallbacks("encoding_without_nvenc") == before + 1


def test_the_quality_is_the_levels_unless_something_else_is_set():
    settings = RendererSettings(quality=QualityLevel.HIGH, crf=21.5, slots=1, codec_threads=3)
    assert settings.encoding() == Quality(level=QualityLevel.HIGH, crf=21.5, threads=3)


async def test_a_redelivered_task_skips_the_work_and_repeats_its_events(settings, job_with):
    store, job = await job_with(seconds=4)
    handler, task = handler_of(store, settings), RenderTask(job=job, number=1)
    first, second = Recording(), Recording()
    await handler(task, first)
    await store.delete_prefix(layout.source(job))
    await handler(task, second)
    assert second.percents == []
    assert [event.key for event in second.events] == [event.key for event in first.events]
    assert second.events[-1] == first.events[-1]
    assert second.events[1].seconds == 0


async def test_a_file_that_another_worker_has_stored_stays(settings, job_with):
    store, job = await job_with(seconds=4)
    await store.put_bytes(layout.clip(job, 1), b"the other's")
    await handler_of(store, settings)(RenderTask(job=job, number=1), Recording())
    assert await store.get_bytes(layout.clip(job, 1)) == b"the other's"


async def test_a_clip_that_is_not_planned_fails_for_good(settings, job_with):
    store, job = await job_with(seconds=4)
    with pytest.raises(Permanent, match="no clip 7"):
        await handler_of(store, settings)(RenderTask(job=job, number=7), Recording())


async def test_a_clip_of_the_reserve_is_rendered_like_one_of_the_plan(settings, job_with):
    store, job = await job_with(seconds=4)
    plan = await documents.load(store, layout.plan(job), Plan)
    kept = replace(plan.clips[0], number=7, title="R")
    await store.put_bytes(layout.plan(job), msgspec.json.encode(replace(plan, reserve=(kept,))))
    context = Recording()
    await handler_of(store, settings)(RenderTask(job=job, number=7, generation=1), context)
    public = context.events[-1].public
    assert (public.video_url, public.title) == (f"/videos/{job}/a_talk_clip_7.mp4", "R")
    assert await store.size(layout.clip(job, 7))
    assert await store.size(layout.clip(job, 1)) is None


async def test_a_source_that_cannot_be_read_fails_for_good(settings, job_with):
    store, job = await job_with(content=b"this is text" * 200)
    with pytest.raises(Permanent) as caught:
        await handler_of(store, settings)(RenderTask(job=job, number=1), Recording())
    assert caught.value.code is ErrorCode.UNREADABLE_MEDIA


async def test_missing_documents_fail_for_good(settings):
    store = open_store(settings.common.store_url)
    with pytest.raises(Permanent) as caught:
        await handler_of(store, settings)(RenderTask(job=new_job_id(), number=1), Recording())
    assert caught.value.code is ErrorCode.MISSING_ARTIFACT


async def test_a_clip_that_takes_too_long_may_be_tried_again(settings, job_with):
    store, job = await job_with(seconds=4)
    hurried = RendererSettings(common=settings.common, child_seconds=0.2)
    with pytest.raises(Transient) as caught:
        await handler_of(store, hurried)(RenderTask(job=job, number=1), Recording())
    assert caught.value.code is ErrorCode.TIMED_OUT


async def test_a_cancelled_render_leaves_nothing_behind(settings, job_with):
    store, job = await job_with(seconds=4)
    context = Recording()
    work = asyncio.create_task(handler_of(store, settings)(RenderTask(job=job, number=1), context))
    await context.under_way.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await store.size(layout.clip(job, 1)) is None
    assert [type(event) for event in context.events] == [StageStarted]
    assert context.events[0].stage is Stage.RENDER
