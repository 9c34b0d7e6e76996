"""What the analyzer's tests share: talks as documents, small videos, a context that remembers, a Gemini on loopback."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import structlog
from aiohttp import web
from clipmill.contracts.documents import (
    MediaFacts,
    Origin,
    Segment,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.events import Event
from clipmill.contracts.tasks import Task

WORDS_A_SECOND = 2.8
PASSAGES = json.loads((Path(__file__).parent / "passages.json").read_text())


class RecordingContext:
    """Stands in for the delivery: keeps what a handler says and asks for."""

    def __init__(self, attempt: int = 1, secret: str | None = None) -> None:
        self.attempt = attempt
        self.log = structlog.stdlib.get_logger()
        self.events: list[Event] = []
        self.tasks: list[Task] = []
        self.percents: list[float] = []
        self._secret = secret

    async def emit(self, event: Event) -> None:
        self.events.append(event)

    async def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def progress(self, percent: float) -> None:
        self.percents.append(percent)

    async def secret(self) -> str | None:
        return self._secret

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


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


@dataclass(frozen=True)
class Talk:
    transcript: Transcript
    highlights: list[tuple[float, float]]


@pytest.fixture
def make_talk() -> Callable[[int], Talk]:
    """Make a talk of planted passages between other things, at places that the seed decides."""

    def make(seed: int) -> Talk:
        chance = random.Random(seed)
        highlights = chance.sample(PASSAGES["highlights"], chance.randint(3, 5))
        fillers = chance.sample(PASSAGES["fillers"], 12)
        places = sorted(chance.sample(range(len(fillers) + 1), len(highlights)))
        order: list[tuple[bool, list[str]]] = []
        for place in range(len(fillers) + 1):
            if place in places:
                order.append((True, highlights[places.index(place)]))
            if place < len(fillers):
                order.append((False, fillers[place]))
        texts = [text for _, passage in order for text in passage]
        transcript = _transcript(texts, [chance.uniform(0.25, 0.5) for _ in texts])
        planted: list[tuple[float, float]] = []
        at = 0
        for highlight, passage in order:
            inside = transcript.segments[at : at + len(passage)]
            at += len(passage)
            if highlight:
                planted.append((inside[0].start, inside[-1].end))
        return Talk(transcript, planted)

    return make


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
    """Write a video whose pictures change colour and pattern at given frames."""

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
                picture[:, :8] = (index * 7) % 255  # something always moves a little
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts, frame.time_base = time_ms + start_ms, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    return write


@dataclass
class GeminiServer:
    """Speaks Gemini's REST protocol on loopback and answers what it is told to, one reply a request.

    Replies are response bodies, or functions of the request that return a response; the last is repeated.
    """

    url: str = ""
    replies: list[object] = field(default_factory=list)
    requests: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hang: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.requests.append(await request.json())
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            return await reply(self)
        return web.json_response(reply)


@pytest.fixture
async def gemini_server() -> AsyncIterator[GeminiServer]:
    server = GeminiServer()
    application = web.Application()
    application.router.add_post("/v1beta/models/{call}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    yield server
    server.hang.set()
    await runner.cleanup()


@pytest.fixture
def gemini_says() -> Callable[..., dict[str, object]]:
    """Make a body as Gemini sends it."""

    def make(
        text: str | None,
        finish: str = "STOP",
        *,
        prompt: int = 1000,
        cached: int = 0,
        answer: int = 200,
        thoughts: int = 50,
    ) -> dict[str, object]:
        usage = {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": cached,
            "candidatesTokenCount": answer,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": prompt + answer + thoughts,
        }
        if text is None:
            return {"promptFeedback": {"blockReason": finish}, "usageMetadata": {"promptTokenCount": prompt}}
        content = {"role": "model", "parts": [{"text": text}]}
        return {"candidates": [{"index": 0, "content": content, "finishReason": finish}], "usageMetadata": usage}

    return make


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
