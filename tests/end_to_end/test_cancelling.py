"""A job is cancelled while a real child process works for it, and its remains are deleted."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from clipmill.contracts import codec, subjects
from clipmill.contracts.documents import Transcript
from clipmill.messaging import connection
from clipmill.messaging.topology import EVENTS, INTAKE, TASKS

pytestmark = pytest.mark.slow

FETCHING = "clipmill.downloader.fetching:fetch"
RENDERING = "clipmill.renderer.clip:render"

DEAD_SECONDS = 8.0
"""Time that a child may outlive the request that cancels its job; 2 s on an idle machine."""

WORK_SECONDS = 300.0


@pytest.fixture
def endless_video(sample):
    """Run a web server whose video begins like any other and takes minutes to arrive."""
    stopping = threading.Event()

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(1 << 26))
            self.end_headers()
            data = sample.read_bytes()[: 1 << 16]
            try:
                while not stopping.wait(0.1):
                    self.wfile.write(data)
            except ConnectionError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/endless.mp4"
    stopping.set()
    server.shutdown()
    server.server_close()


def ask(method, url, body=None):
    """Return the status and the answer of a request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


def until(condition, seconds):
    """Wait for a true value and return it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
    return value


def at_work(up, target, folder):
    """Return the processes that run `target` for this `clipmill up`, and those that watch over them.

    Renderers that wait for a task do not count: they have nothing of the job's `folder` open.
    """
    found = []
    for process in psutil.Process(up.pid).children(recursive=True):
        try:
            if target in process.cmdline() and (target != RENDERING or reads(process, folder)):
                found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


def reads(process, folder):
    return any(Path(file.path).is_relative_to(folder) for file in process.open_files())


def alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def skip_transcription(folder):
    """Store an empty transcript before the video is there, so that the transcriber finds its work done."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "transcript.json").write_bytes(codec.encode(Transcript(language="", duration=0.0)))


async def left_in_nats(up, job):
    """Return the subjects of this job that still have messages on the server."""
    state = json.loads((up.data / "clipmill.json").read_text())
    client = await connection.connect(state["nats_url"], "test", patience=10)
    js, found = client.jetstream(), set()
    asked = [(EVENTS, subjects.events_of_job(job))]
    asked += [(stream, subject) for stream in (INTAKE, TASKS) for subject in subjects.tasks_of_job(job)]
    for stream, subject in asked:
        found |= ((await js.stream_info(stream, subjects_filter=subject)).state.subjects or {}).keys()
    await connection.close(client)
    return found


@pytest.mark.parametrize(("target", "stage"), [(FETCHING, "download"), (RENDERING, "render")])
def test_a_cancelled_jobs_child_is_dead_at_once_and_nothing_is_left(up, media_server, endless_video, target, stage):
    url = endless_video if target == FETCHING else f"{media_server}/sample.mp4"
    _, accepted = ask("POST", f"{up.url}/api/process", {"url": url, "target_clips": 2})
    job = accepted["job_id"]
    folder = up.data / "store" / "jobs" / job
    skip_transcription(folder)
    view = f"{up.url}/api/jobs/{job}"
    until(lambda: ask("GET", view)[1]["stages"][stage]["percent"] > 0, WORK_SECONDS)
    children = at_work(up, target, folder)
    assert children

    begun = time.monotonic()
    assert ask("DELETE", view) == (200, {"job_id": job, "status": "cancelled"})
    until(lambda: not any(map(alive, children)), DEAD_SECONDS - (time.monotonic() - begun))
    status = ask("GET", f"{up.url}/api/status/{job}")[1]
    assert (status["status"], status["logs"][-1], status["result"]) == ("failed", "Job cancelled.", None)
    until(lambda: not folder.exists(), 60)
    assert not at_work(up, target, folder)
    assert not [subject for subject in asyncio.run(left_in_nats(up, job)) if ".task." in subject]

    assert ask("DELETE", view) == (200, {"job_id": job, "status": "deleted"})
    assert ask("GET", f"{up.url}/api/status/{job}") == (404, {"detail": "Job not found"})
    assert asyncio.run(left_in_nats(up, job)) == set()
    assert not folder.exists()
