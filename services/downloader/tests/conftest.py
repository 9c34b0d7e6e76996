"""Videos made by the tests, a server to download them from, and a context that records a handler's messages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import structlog
from aiohttp import web
from clipmill.contracts.events import Event
from clipmill.contracts.tasks import Task

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


def write_video(
    path: Path,
    *,
    seconds: float = 6.0,
    rate: int = 10,
    size: tuple[int, int] = (192, 108),
    codec: str = "libx264",
    audio: str | None = "aac",
    video: bool = True,
    rotation: int = 0,
    picture_start: float = 0.0,
    sound_start: float = 0.0,
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Write a video whose frames get brighter and whose sound is a 440 Hz tone.

    Args:
        rotation: Rotation by a player, in degrees clockwise.
        picture_start: Time stamp of the first frame, in seconds.
        sound_start: Time stamp of the first sample, in seconds.
        options: Options of the container.
        aspect: Aspect of a pixel.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        picture = container.add_stream(codec, rate=rate) if video else None
        sound = container.add_stream(audio, rate=48000, layout="mono") if audio else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
            picture.codec_context.gop_size = rate * 2
            if aspect is not None:
                picture.codec_context.sample_aspect_ratio = aspect
            if rotation:
                picture.set_display_rotation(-rotation)
            for number in range(round(seconds * rate)):
                pixels = np.full((size[1], size[0], 3), number * 3 % 256, np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
                frame.time_base = Fraction(1, 1000)
                frame.pts = round((picture_start + number / rate) * 1000)
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
        if sound is not None:
            samples = np.sin(np.arange(round(seconds * 48000)) * 440 * 2 * np.pi / 48000)[None].astype(np.float32)
            for begin in range(0, samples.shape[1] - 1023, 1024):
                block = av.AudioFrame.from_ndarray(samples[:, begin : begin + 1024].copy(), "fltp", "mono")
                block.sample_rate = 48000
                block.pts = begin + round(sound_start * 48000)
                container.mux(sound.encode(block))
            container.mux(sound.encode())
    return path


@pytest.fixture(scope="session")
def make_video():
    """Return the function that writes a video."""
    return write_video


@pytest.fixture(scope="session")
def short_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MP4 with six seconds of H.264 and AAC."""
    return write_video(tmp_path_factory.mktemp("media") / "short.mp4")


class MediaServer:
    """An HTTP server on 127.0.0.1 whose pages a test sets."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[web.BaseRequest] = []
        self._server = web.Server(self._answer)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        return self._runner.addresses[0][1]

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="nothing here")
        return await page(request)

    def serve_file(self, path: str, file: Path, content_type: str = "video/mp4") -> str:
        body = file.read_bytes()

        async def page(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, content_type=content_type)

        self.pages[path] = page
        return self.url(path)

    def serve_html(self, path: str, html: str) -> str:
        async def page(_: web.Request) -> web.StreamResponse:
            return web.Response(text=html, content_type="text/html")

        self.pages[path] = page
        return self.url(path)

    def serve_redirect(self, path: str, target: str) -> str:
        async def page(_: web.Request) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": target})

        self.pages[path] = page
        return self.url(path)


@pytest.fixture
async def media_server() -> AsyncIterator[MediaServer]:
    """Yield a server for this test alone."""
    server = MediaServer()
    await server.start()
    yield server
    await server.stop()


class RecordingContext:
    """A task context that records the events, tasks and progress of a handler."""

    attempt = 1

    def __init__(self) -> None:
        self.log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger()
        self.events: list[Event] = []
        self.tasks: list[Task] = []
        self.percents: list[float] = []

    async def emit(self, event: Event) -> None:
        self.events.append(event)

    async def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def progress(self, percent: float) -> None:
        self.percents.append(percent)


@pytest.fixture
def context() -> RecordingContext:
    """Return a context that records."""
    return RecordingContext()
