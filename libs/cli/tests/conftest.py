"""A small server that speaks the contract, programs to keep running, and small videos."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import av
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from clipmill.cli.__main__ import main
from clipmill.cli.local.supervisor import Program, Supervisor

JOB = "550e8400-e29b-41d4-a716-446655440000"

PROGRAM = """
import http.server, os, signal, subprocess, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())

    def log_message(self, *arguments):
        pass

name, port = sys.argv[1], int(sys.argv[2])
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: (print(name, "stops", flush=True), os._exit(0)))
if "wrong" in sys.argv:
    sys.exit("CLIPMILL_X_SLOTS is 'many', but must be a number.")
if "parent" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("child", child.pid, flush=True)
print(name, "runs as", os.getpid(), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


def clip(number: int, score: int = 80) -> dict[str, object]:
    return {
        "video_url": f"/videos/{JOB}/talk_clip_{number}.mp4",
        "title": f"Moment {number} with \x1b[31mcolour",
        "video_description_for_tiktok": "Look #viral",
        "video_description_for_instagram": "Look #reels",
        "video_title_for_youtube_short": f"Moment {number}",
        "start": 10.0 * number,
        "end": 10.0 * number + 20.5,
        "virality_score": score,
    }


def result(*clips: dict[str, object]) -> dict[str, object]:
    cost = {"total_cost": 0.0, "gemini_api_calls": 0, "whisper_duration_seconds": 77.0}
    return {"clips": list(clips), "cost_analysis": cost}


LOGS = [f"Job {JOB} queued.", "Job started by worker.", "Receiving upload...", "Clip 1 of 2 ready: Moment 1"]
COMPLETED = [
    {"status": "queued", "logs": LOGS[:1], "result": None},
    {"status": "processing", "logs": LOGS[:3], "result": None},
    {"status": "processing", "logs": LOGS, "result": result(clip(1))},
    {
        "status": "completed",
        "logs": [*LOGS, "Clip 2 of 2 ready: Moment 2", "Process finished successfully."],
        "result": result(clip(1), clip(2, 95)),
    },
]
FAILED = [
    {"status": "processing", "logs": LOGS[:3], "result": None},
    {
        "status": "failed",
        "logs": [*LOGS[:3], "Process failed with exit code 1", "Execution error: The file is not a video."],
        "result": None,
    },
]


class ContractServer:
    """Answers as a clipmill server does; each poll of the status shows the next step of `steps`."""

    def __init__(self) -> None:
        self.steps: list[dict[str, object]] = COMPLETED
        self.polls = 0
        self.view: dict[str, object] | None = None
        self.submissions: list[dict[str, object]] = []
        self.refusal: web.Response | None = None
        self.broken_polls: set[int] = set()
        self.broken_downloads = 0
        self.companions = False
        self.videos: dict[str, bytes] = {}
        self.ending: tuple[int, dict[str, object]] = (200, {"job_id": JOB, "status": "cancelled"})
        self.endings: list[str | None] = []
        self.listed: list[dict[str, object]] = []
        self.next_page: str | None = None
        self.list_queries: list[dict[str, str]] = []
        self.explained: dict[str, object] = {"job_id": JOB, "clips": []}
        self.listings: list[list[dict[str, object]] | None] = []
        self.more: tuple[int, dict[str, object]] = (202, {"job_id": JOB, "numbers": [3, 4]})
        self.wishes: list[object] = []
        self.wish_keys: list[str | None] = []
        self.broken_wishes = 0
        self.silent_wishes = False

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_post("/api/process", self._process)
        application.router.add_get("/api/status/{job}", self._status)
        application.router.add_get("/api/jobs", self._jobs)
        application.router.add_get("/api/jobs/{job}", self._job)
        application.router.add_delete("/api/jobs/{job}", self._end)
        application.router.add_get("/api/jobs/{job}/clips", self._clips)
        application.router.add_post("/api/jobs/{job}/clips", self._more)
        application.router.add_get("/videos/{job}/{name}", self._video)
        return application

    async def _process(self, request: web.Request) -> web.Response:
        if self.refusal is not None:
            return self.refusal
        submission: dict[str, object] = {"headers": dict(request.headers)}
        if request.content_type == "application/json":
            submission.update(await request.json())
        else:
            async for part in await request.multipart():
                if part.name == "file":
                    submission["file_name"] = part.filename
                    submission["file"] = bytes(await part.read())
                else:
                    submission[part.name] = await part.text()
        self.submissions.append(submission)
        return web.json_response({"job_id": JOB, "status": "queued"})

    async def _status(self, request: web.Request) -> web.Response:
        if request.match_info["job"] != JOB:
            return web.json_response({"detail": "Job not found"}, status=404)
        self.polls += 1
        if self.polls in self.broken_polls:
            return web.json_response({"detail": "NATS does not answer."}, status=503)
        return web.json_response(self.steps[min(self.polls, len(self.steps)) - 1])

    async def _job(self, request: web.Request) -> web.Response:
        if self.view is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response(self.view)

    async def _jobs(self, request: web.Request) -> web.Response:
        self.list_queries.append(dict(request.query))
        return web.json_response({"jobs": self.listed, "next": self.next_page})

    async def _clips(self, request: web.Request) -> web.Response:
        if request.match_info["job"] != JOB:
            return web.json_response({"detail": "Job not found"}, status=404)
        if self.listings:  # each poll shows the next one, and the last one stays
            listing = self.listings[0] if len(self.listings) == 1 else self.listings.pop(0)
            if listing is None:
                return web.json_response({"detail": "NATS does not answer."}, status=503)
            self.explained["clips"] = listing
        return web.json_response(self.explained)

    async def _more(self, request: web.Request) -> web.Response:
        self.wishes.append(await request.json())
        self.wish_keys.append(request.headers.get("Idempotency-Key"))
        if self.silent_wishes:
            await asyncio.Event().wait()
        if self.broken_wishes > 0:
            self.broken_wishes -= 1
            return web.json_response({"detail": "The job does not show the request yet."}, status=503)
        status, body = self.more
        return web.json_response(body, status=status)

    async def _end(self, request: web.Request) -> web.Response:
        self.endings.append(request.query.get("only"))
        status, body = self.ending
        return web.json_response(body, status=status)

    async def _video(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name.endswith((".jpg", ".vtt", ".srt")) and not self.companions:
            return web.json_response(
                {"detail": "This clip has no such file; submit the video again if you need it."}, status=404
            )
        if self.broken_downloads > 0:
            self.broken_downloads -= 1
            answer = web.StreamResponse(headers={"Content-Length": "1000"})
            await answer.prepare(request)
            await answer.write(b"half")
            assert request.transport is not None
            request.transport.close()
            return answer
        return web.Response(body=self.videos.get(name, f"content of {name}".encode()))


class Listener:
    """Collects the lines and events of a supervisor, and lets a test wait for a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.events: list[str] = []
        self._unread: asyncio.Queue[str] = asyncio.Queue()

    def on_line(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")
        self._unread.put_nowait(line)

    def on_event(self, sentence: str) -> None:
        self.events.append(sentence)

    async def line(self, words: str, seconds: float = 60) -> str:
        """Wait for the next line with `words` in it."""
        async with asyncio.timeout(seconds):
            while words not in (line := await self._unread.get()):
                pass
            return line


@pytest.fixture
def listener() -> Listener:
    """Return a listener for a supervisor's lines and events."""
    return Listener()


@pytest.fixture
async def supervisor(listener: Listener) -> AsyncIterator[Supervisor]:
    """Yield a supervisor that reports to the listener; its programs end with the test."""
    supervisor = Supervisor(on_line=listener.on_line, on_event=listener.on_event)
    yield supervisor
    supervisor.kill()
    await supervisor.stop()


@pytest.fixture
async def contract_server() -> AsyncIterator[tuple[ContractServer, str]]:
    """Yield the server and its address."""
    contract = ContractServer()
    async with TestServer(contract.application()) as server:
        yield contract, str(server.make_url("")).rstrip("/")


@pytest.fixture
def clipmill() -> Callable[..., object]:
    """Return a function that runs the command in a thread and returns exit status, standard output and error."""

    async def run(*arguments: object, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
        words = [str(argument) for argument in arguments]
        done = await asyncio.to_thread(CliRunner().invoke, main, words, env=environ)
        return done.exit_code, done.stdout, done.stderr

    return run


@pytest.fixture
def clipmill_process() -> Callable[..., object]:
    """Return a function that runs the command as a process and returns exit status, standard output and error."""

    async def run(*arguments: object, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clipmill.cli", *map(str, arguments)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **(environ or {})},
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    """Return a function that makes a small HTTP program to be kept running."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)

    def make(name: str, port: int, *words: str, stop_seconds: float = 10) -> Program:
        return Program(
            name=name,
            command=(sys.executable, str(script), name, str(port), *words),
            environ=dict(os.environ),
            ready_url=f"http://127.0.0.1:{port}/",
            stop_seconds=stop_seconds,
        )

    return make


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a small video file."""

    def make(name: str, width: int, height: int, *, sound: bool = True, seconds: int = 2) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            picture = container.add_stream("libx264", rate=10, width=width, height=height, pix_fmt="yuv420p")
            tone = container.add_stream("aac", rate=48000) if sound else None
            for number in range(10 * seconds):
                frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), number, np.uint8), "rgb24")
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
            if tone is not None:
                for number in range(48000 * seconds // 1024):
                    samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
                    samples.sample_rate = 48000
                    samples.pts = number * 1024
                    container.mux(tone.encode(samples))
                container.mux(tone.encode())
        return path

    return make
