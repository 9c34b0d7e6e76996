"""Fixtures of the analyzer's tests: talks as documents, small videos, a recording context, models on loopback."""

import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clipmill.analyzer.asking.costs import load_prices
from clipmill.analyzer.moments_handler import MomentsHandler
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import open_store
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import (
    MediaFacts,
    Origin,
    Plan,
    Scenes,
    Segment,
    Shot,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.failures import Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask
from clipmill.operations.settings import Secret
from prometheus_client import REGISTRY

sys.path.insert(0, str(Path(__file__).parent))

import model_servers
from recording_context import RecordingContext
from talks.generation import Talk, numbered_talk

WORDS_A_SECOND = 2.8


@pytest.fixture
def make_context() -> Callable[..., RecordingContext]:
    return RecordingContext


def _transcript(texts: Sequence[str], gaps: Sequence[float]) -> Transcript:
    segments: list[Segment] = []
    time = 0.5
    for text, gap in zip(texts, gaps, strict=True):
        words: list[Word] = []
        for word in text.split():
            end = time + max(len(word), 2) / 5 / WORDS_A_SECOND
            words.append(Word(text=word, start=round(time, 3), end=round(end, 3)))
            time = end
        segments.append(Segment(text=text, start=words[0].start, end=words[-1].end, words=tuple(words)))
        time += gap
    return Transcript(language="en", duration=time + 0.5, segments=tuple(segments))


@pytest.fixture
def say() -> Callable[..., Transcript]:
    """Make a transcript of sentences, one segment each, with equal or given gaps after them."""

    def make(texts: Sequence[str], gap: float | Sequence[float] = 0.4) -> Transcript:
        return _transcript(texts, [gap] * len(texts) if isinstance(gap, float) else gap)

    return make


@pytest.fixture
def make_talk() -> Callable[[int], Talk]:
    """Make a talk with planted passages between others; each number gives another talk."""
    return numbered_talk


@pytest.fixture
def media_of() -> Callable[[float], MediaFacts]:
    def make(duration: float) -> MediaFacts:
        return MediaFacts(
            stem="a-talk",
            title="A talk",
            container="mp4",
            duration=duration,
            size_bytes=1,
            origin=Origin.UPLOAD,
            video=VideoFacts(codec="h264", width=1280, height=720),
        )

    return make


@pytest.fixture
def write_video() -> Callable[..., None]:
    """Write a video whose pictures change colour and pattern at the given frames."""

    def write(
        path: Path, times_ms: Sequence[int], cuts: Sequence[int], size: tuple[int, int] = (320, 180), start_ms: int = 0
    ) -> None:
        width, height = size
        chance = np.random.default_rng(1)
        shots = [chance.integers(0, 255, (height // 20, width // 20, 3), dtype=np.uint8) for _ in range(len(cuts) + 1)]
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.time_base = Fraction(1, 1000)
            stream.codec_context.time_base = Fraction(1, 1000)
            for index, time_ms in enumerate(times_ms):
                shot = shots[sum(index >= cut for cut in cuts)]
                picture = np.kron(shot, np.ones((20, 20, 1), dtype=np.uint8))
                picture[:, :8] = (index * 7) % 255  # a stripe always moves a little
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts, frame.time_base = time_ms + start_ms, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    return write


@pytest.fixture
async def gemini_server() -> AsyncIterator[model_servers.GeminiServer]:
    async with model_servers.serving(model_servers.GeminiServer()) as server:
        yield server


@pytest.fixture
async def openai_server() -> AsyncIterator[model_servers.OpenAIServer]:
    async with model_servers.serving(model_servers.OpenAIServer()) as server:
        yield server


@pytest.fixture(params=["gemini_server", "openai_server"])
def model_server(request) -> model_servers.ModelServer:
    """Give the server of each provider in turn, because both must behave alike."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def speech(say) -> Callable[..., Transcript]:
    """Make a transcript of `count` sentences of about five and a half seconds each."""

    def make(count: int) -> Transcript:
        return say(
            [
                f"This is sentence number {number} and it has really quite a few more words, so that it is long enough."
                for number in range(1, count + 1)
            ]
        )

    return make


@pytest.fixture
async def job(media_of, speech):
    """Store the three documents of a job of three and a half minutes, and give the store and the job's id."""
    store, job_id = open_store("memory://"), new_job_id()
    await put_documents(store, job_id, media_of, speech(40))
    return store, job_id


async def put_documents(store, job_id, media_of, transcript) -> None:
    duration = transcript.duration
    scenes = Scenes(shots=(Shot(start=0, end=40.0), Shot(start=40.0, end=duration)), detector="d", frame_rate=25.0)
    await store.put_bytes(layout.media(job_id), encode(media_of(duration)))
    await store.put_bytes(layout.transcript(job_id), encode(transcript))
    await store.put_bytes(layout.scenes(job_id), encode(scenes))


@pytest.fixture
def put(job, media_of):
    """Replace the documents of the job with those of another transcript."""

    async def do(transcript: Transcript) -> None:
        store, job_id = job
        await put_documents(store, job_id, media_of, transcript)

    return do


@pytest.fixture
def run(job, make_context, no_proxies, caplog):
    """Do the analyze task once, with a server or locally, and assert that the key leaks nowhere."""
    caplog.set_level(logging.DEBUG)
    key = model_servers.KEY

    async def do(server=None, *, operator_key=key, own_key=None, context=None, attempt=1, task=None, **settings):
        store, job_id = job
        known = server.settings() if server else {}
        keys = {name: Secret(operator_key) if operator_key else None for name in ("gemini_api_key", "openai_api_key")}
        analyzer = AnalyzerSettings(**{**keys, **known, **settings})
        context = context or make_context(attempt=attempt, secret=own_key)
        handler = MomentsHandler(store, analyzer, load_prices())
        try:
            await handler(task or AnalyzeTask(job=job_id, options=JobOptions(target_clips=3)), context)
        finally:
            said = b"".join(encode(event) for event in context.events) + caplog.text.encode()
            assert key.encode() not in said
        plan = await load(store, layout.plan(job_id), Plan)
        assert plan is not None
        assert key.encode() not in encode(plan)
        return plan, context

    return do


@pytest.fixture
def run_to_the_end(run, make_context):
    """Do the analyze task as often as a worker would, and return the plan and the lines of the job's log."""

    async def do(server, **settings):
        lines: list[str] = []
        for attempt in range(1, 5):
            context = make_context(attempt=attempt)
            try:
                plan, _ = await run(server, context=context, **settings)
            except Transient:
                lines += context.lines
                continue
            return plan, lines + context.lines
        raise AssertionError("the last try fails for good, which the worker makes a dead letter")

    return do


@pytest.fixture
def sample():
    """Read a metric of this process, 0 if it was never counted."""

    def read(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    return read


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
