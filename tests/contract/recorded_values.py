"""The values whose bytes are stored in `recorded/`: invented jobs that use every task, event and stored document.

Of the eight jobs one goes through every event but `cancelled` and `clips_wanted`, one is being rendered, one is
cancelled, one fails, one gets clips of its reserve after its end, one has such a clip retried, one has
a plan that counts its good moments, and one has a plan that decides about captions.
"""

from clipmill.contracts.api import MoreClips
from clipmill.contracts.documents import (
    AudioFacts,
    ClipFacts,
    Cost,
    EngineFacts,
    MediaFacts,
    Origin,
    Plan,
    PlannedClip,
    Scenes,
    ScorePart,
    Segment,
    Shot,
    ShotFacts,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.events import (
    Cancelled,
    ClipFailed,
    ClipRendered,
    ClipsPlanned,
    ClipsWanted,
    CostKnown,
    Event,
    Failed,
    Log,
    Queued,
    Reopened,
    StageFinished,
    StageProgress,
    StageStarted,
    Started,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import Background, CaptionStyle, JobOptions, LayoutChoice, OutputFormat
from clipmill.contracts.sounds import Sounds
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from clipmill.contracts.tasks import AnalyzeTask, DownloadTask, RenderTask, ScenesTask, Task, TranscribeTask
from clipmill.messaging.attempts import Tally
from clipmill.messaging.dead_letters import DeadLetter
from later_documents import LATER_DOCUMENTS
from msgspec.structs import replace
from recorded_captions import BOLD, DEFAULTS, GUESSED, GUESSED_PLAN, SALT, SALT_PART
from recorded_given import GIVEN

JOB = JobId("0b9a4c7e-6f1d-4a52-9c3e-8d2f7a1b5e60")
STOPPED = JobId("1c8b5d6f-7e2c-4b63-8d4f-9e3a6b2c4f71")
UNFINISHED = JobId("3e6d5f4b-9a4c-4d85-8f6b-ba5c6d4e2f93")
BROKEN = JobId("2d7c6e5a-8f3b-4c74-9e5a-af4b5c3d3e82")

EXTENDED_JOB = JobId("4f7e6a3c-ab5d-4e96-9a7c-cb6d7e5fa1a4")
RETRIED_JOB = JobId("5a8f7b4d-bc6e-4fa7-8b8d-dc7e8f6fb2b5")
COUNTED_JOB = JobId("6b9a8c5e-cd7f-4ab8-8c9e-ed8f7a0bc3c6")

BEGAN = 1767225600.25
"""Time of the first job's submission, as Unix time in seconds."""

OPTIONS = JobOptions(
    target_clips=2,
    clip_min_seconds=12.5,
    clip_max_seconds=45.0,
    language="de",
    captions=CaptionStyle.FILL,
    output_format=OutputFormat.SQUARE,
    layout=LayoutChoice.SPLIT,
    background=Background.SOLID,
    hook=True,
)

TASKS: tuple[Task, ...] = (
    DownloadTask(job=JOB, options=OPTIONS, priority=Priority.HIGH, url="https://videos.example/talk?v=Küche&t=1"),
    DownloadTask(job=STOPPED, options=DEFAULTS, file_name="Ein Gespräch am Ofen.mkv"),
    TranscribeTask(job=JOB, options=OPTIONS, priority=Priority.HIGH, generation=1),
    ScenesTask(job=JOB, options=OPTIONS, priority=Priority.HIGH, generation=1),
    AnalyzeTask(job=JOB, options=OPTIONS, priority=Priority.HIGH, generation=1),
    RenderTask(job=JOB, options=OPTIONS, priority=Priority.HIGH, generation=2, number=2),
)


def _clip(number: int, start: float, end: float, title: str, score: int, job: JobId = JOB) -> PublicClip:
    return PublicClip(
        video_url=f"/videos/{job}/bread_talk_clip_{number}.mp4",
        title=title,
        video_description_for_tiktok=f"{title} #brot #backen",
        video_description_for_instagram=f"{title} 🍞 #sauerteig",
        video_title_for_youtube_short=title,
        start=start,
        end=end,
        virality_score=score,
    )


COMPLETED: tuple[Event, ...] = (
    Queued(
        job=JOB,
        at=BEGAN,
        options=OPTIONS,
        source="https://videos.example/talk?v=Küche&t=1",
        priority=Priority.HIGH,
        ignored_options=("colour", "webhook"),
    ),
    Started(job=JOB, at=BEGAN + 1),
    StageStarted(job=JOB, at=BEGAN + 1.5, stage=Stage.DOWNLOAD, line="Downloading video..."),
    StageProgress(job=JOB, at=BEGAN + 2, stage=Stage.DOWNLOAD, attempt=1, percent=40),
    StageFinished(job=JOB, at=BEGAN + 4, stage=Stage.DOWNLOAD, seconds=2.75),
    StageStarted(job=JOB, at=BEGAN + 5, stage=Stage.TRANSCRIBE, line="Transcribing audio with Whisper..."),
    Log(job=JOB, at=BEGAN + 6, name="no_alignment", line="Word times are estimated for this language."),
    Failed(
        job=JOB,
        at=BEGAN + 7,
        stage=Stage.TRANSCRIBE,
        code=ErrorCode.MODEL_UNAVAILABLE,
        sentence="The speech model could not be loaded.",
    ),
    Reopened(job=JOB, at=BEGAN + 60, generation=1, fresh=Stage.TRANSCRIBE, line="Job reopened by the operator."),
    StageStarted(job=JOB, at=BEGAN + 61, generation=1, stage=Stage.TRANSCRIBE),
    StageStarted(job=JOB, at=BEGAN + 61.5, generation=1, stage=Stage.SCENES, line="Detecting scenes..."),
    StageProgress(job=JOB, at=BEGAN + 62, generation=1, stage=Stage.TRANSCRIBE, attempt=2, percent=55),
    StageFinished(job=JOB, at=BEGAN + 63, generation=1, stage=Stage.SCENES, seconds=1.5),
    StageFinished(job=JOB, at=BEGAN + 70, generation=1, stage=Stage.TRANSCRIBE, seconds=9.0, whisper_seconds=93.4375),
    StageStarted(job=JOB, at=BEGAN + 71, generation=1, stage=Stage.ANALYZE, line="Analyzing viral moments..."),
    ClipsPlanned(job=JOB, at=BEGAN + 72, generation=1, count=2),
    CostKnown(job=JOB, at=BEGAN + 72, generation=1, cost=Cost(total_usd=0.0375, provider_calls=3, estimated=True)),
    StageFinished(job=JOB, at=BEGAN + 72, generation=1, stage=Stage.ANALYZE, seconds=0.5),
    StageStarted(job=JOB, at=BEGAN + 73, generation=1, stage=Stage.RENDER),
    StageProgress(job=JOB, at=BEGAN + 74, generation=1, stage=Stage.RENDER, attempt=1, percent=30, clip=1),
    ClipRendered(job=JOB, at=BEGAN + 80, generation=1, clip=1, public=_clip(1, 4.25, 33.5, "Warum Teig ruht", 91)),
    StageFinished(job=JOB, at=BEGAN + 80, generation=1, stage=Stage.RENDER, clip=1, seconds=6.5),
    ClipFailed(
        job=JOB,
        at=BEGAN + 82,
        generation=1,
        clip=2,
        code=ErrorCode.OUT_OF_MEMORY,
        sentence="The renderer ran out of memory.",
    ),
    Reopened(job=JOB, at=BEGAN + 120, generation=2, clip=2, line="Clip 2 is tried again.", revived=False),
    ClipRendered(job=JOB, at=BEGAN + 130, generation=2, clip=2, public=_clip(2, 40.0, 71.75, "Salz — wann?", 78)),
    StageFinished(job=JOB, at=BEGAN + 130, generation=2, stage=Stage.RENDER, clip=2, seconds=7.25),
)

PROCESSING: tuple[Event, ...] = (
    Queued(job=UNFINISHED, at=BEGAN + 5, options=DEFAULTS, source="Ein Gespräch am Ofen.mkv", upload=True),
    Started(job=UNFINISHED, at=BEGAN + 6),
    ClipsPlanned(job=UNFINISHED, at=BEGAN + 30, count=3),
    StageStarted(job=UNFINISHED, at=BEGAN + 31, stage=Stage.RENDER),
    ClipRendered(job=UNFINISHED, at=BEGAN + 40, clip=1, public=_clip(1, 0.5, 20.0, "Glut", 66, UNFINISHED)),
    ClipFailed(
        job=UNFINISHED, at=BEGAN + 41, clip=2, code=ErrorCode.TIMED_OUT, sentence="Rendering took longer than allowed."
    ),
    StageProgress(job=UNFINISHED, at=BEGAN + 42, stage=Stage.RENDER, attempt=2, percent=35, clip=3),
)

CANCELLED: tuple[Event, ...] = (
    Queued(job=STOPPED, at=BEGAN + 10, options=DEFAULTS, source="Ein Gespräch am Ofen.mkv", upload=True),
    Started(job=STOPPED, at=BEGAN + 11),
    StageStarted(job=STOPPED, at=BEGAN + 11, stage=Stage.DOWNLOAD, line="Receiving upload..."),
    Cancelled(job=STOPPED, at=BEGAN + 12),
)

FAILED: tuple[Event, ...] = (
    Queued(job=BROKEN, at=BEGAN + 20, options=DEFAULTS, source="https://videos.example/gone"),
    Started(job=BROKEN, at=BEGAN + 21),
    StageStarted(job=BROKEN, at=BEGAN + 21, stage=Stage.DOWNLOAD, line="Downloading video..."),
    Reopened(job=BROKEN, at=BEGAN + 900, generation=1, line="Job was interrupted.", revived=True),
    StageProgress(job=BROKEN, at=BEGAN + 901, generation=1, stage=Stage.DOWNLOAD, attempt=1, percent=12),
    Failed(
        job=BROKEN,
        at=BEGAN + 902,
        generation=1,
        stage=Stage.DOWNLOAD,
        code=ErrorCode.SOURCE_UNAVAILABLE,
        sentence="The server has no such video.",
    ),
)

EXTENDED: tuple[Event, ...] = (
    Queued(
        job=EXTENDED_JOB,
        at=BEGAN + 1000,
        options=SALT_PART,
        source="Ein Gespräch am Ofen.mkv",
        upload=True,
    ),
    Started(job=EXTENDED_JOB, at=BEGAN + 1001),
    ClipsPlanned(job=EXTENDED_JOB, at=BEGAN + 1030, count=1, reserve=3),
    StageStarted(job=EXTENDED_JOB, at=BEGAN + 1031, stage=Stage.RENDER),
    ClipRendered(job=EXTENDED_JOB, at=BEGAN + 1040, clip=1, public=_clip(1, 14.5, 40.0, "Salz", 88, EXTENDED_JOB)),
    ClipsWanted(job=EXTENDED_JOB, at=BEGAN + 2000, generation=1, numbers=(2, 3), request="a key of the client"),
    StageProgress(job=EXTENDED_JOB, at=BEGAN + 2001, generation=1, stage=Stage.RENDER, attempt=1, percent=45, clip=2),
    ClipsWanted(job=EXTENDED_JOB, at=BEGAN + 2400, generation=2, numbers=(2, 3), revived=True),
    StageFinished(job=EXTENDED_JOB, at=BEGAN + 2410, generation=2, stage=Stage.RENDER, clip=3, seconds=8.5),
    ClipRendered(
        job=EXTENDED_JOB, at=BEGAN + 2410, generation=2, clip=3, public=_clip(3, 60.0, 82.5, "Mehl", 71, EXTENDED_JOB)
    ),
)

RETRIED: tuple[Event, ...] = (
    Queued(job=RETRIED_JOB, at=BEGAN + 3000, options=BOLD, source="Hefe.mp4", upload=True),
    Started(job=RETRIED_JOB, at=BEGAN + 3001),
    ClipsPlanned(job=RETRIED_JOB, at=BEGAN + 3030, count=1, reserve=3),
    ClipRendered(job=RETRIED_JOB, at=BEGAN + 3040, clip=1, public=_clip(1, 14.5, 40.0, "Hefe", 88, RETRIED_JOB)),
    ClipsWanted(
        job=RETRIED_JOB,
        at=BEGAN + 4000,
        generation=1,
        numbers=(2, 3),
        request="a key of the client",
        wish=MoreClips(more=2),
    ),
    ClipFailed(
        job=RETRIED_JOB,
        at=BEGAN + 4010,
        generation=1,
        clip=2,
        code=ErrorCode.OUT_OF_MEMORY,
        sentence="The renderer ran out of memory.",
    ),
    Reopened(job=RETRIED_JOB, at=BEGAN + 4100, generation=2, clips=(2,), line="Job reopened by the operator."),
    ClipsWanted(
        job=RETRIED_JOB,
        at=BEGAN + 4200,
        generation=3,
        numbers=(2,),
        request="another key",
        wish=MoreClips(numbers=(2,)),
    ),
)

COUNTED = (
    Queued(job=COUNTED_JOB, at=BEGAN + 5000, source="Wasser.mp4", upload=True, options=SALT),
    ClipsPlanned(job=COUNTED_JOB, at=BEGAN + 5010, count=0, reserve=3, good=2),
)

EVENTS = {
    "completed": COMPLETED,
    "processing": PROCESSING,
    "cancelled": CANCELLED,
    "failed": FAILED,
    "extended": EXTENDED,
    "retried": RETRIED,
    "counted": COUNTED,
    "guessed": GUESSED,
}
"""The events of each job in stream order: the first has sequence 1."""

DOCUMENTS = {
    "media": MediaFacts(
        stem="bread_talk",
        title="Brot: ein Gespräch",
        container="mkv",
        duration=93.5,
        size_bytes=7_340_032,
        origin=Origin.URL,
        video=VideoFacts(
            codec="vp9", width=1080, height=1920, rotation=90, frame_rate=29.97, pixel_format="yuv420p10le"
        ),
        audio=AudioFacts(codec="opus", sample_rate=48000, channels=2, index=2),
    ),
    "given": GIVEN,
    "transcript": Transcript(
        language="de",
        duration=93.4375,
        segments=(
            Segment(
                text="Der Teig ruht.",
                start=4.25,
                end=5.75,
                words=(
                    Word(text="Der", start=4.25, end=4.5, score=0.875),
                    Word(text="Teig", start=4.5, end=5.0, score=0.5),
                    Word(text="ruht.", start=5.25, end=5.75),
                ),
                speaker="A",
            ),
            Segment(text="Warum denn?", start=6.5, end=7.25),
        ),
        engine=EngineFacts(
            name="whisperx", model="large-v3", device="cuda", compute_type="float16", word_times="attention"
        ),
        levels=(-90, -42, -23),
    ),
    "heard": Transcript(
        language="en",
        duration=2.5,
        segments=(Segment(text="Thanks.", start=0.25, end=0.75),),
        engine=EngineFacts(
            name="whisperx", model="whisper-tiny.en", device="cpu", compute_type="int8", word_times="attention"
        ),
        levels=(-24, -18, -30),
        sounds=Sounds(
            laughter=bytes([1, 40, 104, 128, 90]),
            applause=bytes([0, 150, 255, 254, 200]),
            cheering=bytes([2, 3, 5, 7, 11]),
            shouting=bytes([13, 17, 19, 23, 29]),
            music=bytes([31, 37, 41, 43, 47]),
            singing=bytes([53, 59, 61, 67, 71]),
        ),
    ),
    "scenes": Scenes(
        shots=(Shot(start=0.0, end=40.0), Shot(start=40.0, end=93.5, transition=0.75)),
        detector="adaptive",
        frame_rate=29.97,
    ),
    "plan": Plan(
        clips=(
            PlannedClip(
                number=1,
                start=4.25,
                end=33.5,
                title="Warum Teig ruht",
                tiktok="Warum Teig ruht #brot #backen",
                instagram="Warum Teig ruht 🍞 #sauerteig",
                youtube="Warum Teig ruht",
                score=91,
                reason="A question that is answered at once.",
            ),
        ),
        picker="gemini-flash",
        cost=Cost(total_usd=0.0375, provider_calls=3, estimated=True),
        options=OPTIONS,
        note="One of three proposals was too short.",
    ),
    "reserve": Plan(
        clips=(),
        picker="local",
        options=replace(SALT, target_clips=3),
        note="Nothing about “Salz im Teig” was found.",
        reserve=(
            PlannedClip(
                number=1,
                start=4.25,
                end=33.5,
                title="Warum Teig ruht",
                tiktok="Warum Teig ruht #brot #backen",
                instagram="Warum Teig ruht 🍞 #sauerteig",
                youtube="Warum Teig ruht",
                score=91,
                reason="A question that is answered at once.",
                quote="Warum denn?",
                parts=(ScorePart(name="audience", points=95), ScorePart(name="cut", points=-4)),
            ),
        ),
    ),
    "counted": Plan(clips=(), picker="local", options=BOLD, note="Found 2 moments about “Salz im Teig”.", good=2),
    "guessed": GUESSED_PLAN,
    "clip": ClipFacts(
        number=1,
        duration=29.25,
        width=1080,
        height=1080,
        frames=877,
        size_bytes=4_194_304,
        shots=(ShotFacts(start=0.0, end=29.25, layout="track", reason="one person in 96 % of 48 looks"),),
        encoder="libx264",
        loudness_lufs=-14.0,
        true_peak_dbtp=-1.25,
        missing_letters="ꙮ",
        unshaped=True,
        sound_reduced=True,
    ),
    **LATER_DOCUMENTS,
    "dead_letter": DeadLetter(
        task=TASKS[-1],
        code=ErrorCode.OUT_OF_MEMORY,
        sentence="The renderer ran out of memory.",
        attempts=4,
        at=BEGAN + 82,
    ),
    "attempts": Tally(begun=2, waited=1, writer="5f0c9d7b3a1e4c62"),
}
"""Documents that stages leave in the store, and that the messaging core keeps."""

ANSWERED_PART = {
    "moments": [
        {
            "window": {"first": 0, "last": 1, "start_ms": 4250, "end_ms": 33500},
            "title": "Warum Teig ruht",
            "tiktok": "Warum Teig ruht #brot",
            "instagram": "Warum Teig ruht 🍞",
            "youtube": "Warum Teig ruht",
            "score": 91,
            "reason": "A question that is answered at once.",
        }
    ]
}
"""Document that the analyzer keeps of a model's answer about one chunk of a transcript."""
