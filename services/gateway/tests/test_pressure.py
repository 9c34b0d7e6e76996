"""A gateway under pressure: a full disk, a full queue, full streams. Accepted jobs stay unharmed."""

import asyncio
import contextlib
import json
import os
import subprocess

import pytest
from aiohttp.test_utils import TestClient, TestServer
from clipmill.artifacts.store import open_store
from clipmill.gateway.api.admission import Admission
from clipmill.gateway.api.application import application
from clipmill.gateway.api.archives import Archives
from clipmill.gateway.api.clips import Clips
from clipmill.gateway.api.configuration import Configuration
from clipmill.gateway.api.jobs import Jobs
from clipmill.gateway.api.submissions import Submissions
from clipmill.gateway.api.transcripts import Transcripts
from clipmill.gateway.api.videos import Videos
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.topology import EVENTS, INTAKE, JOBS
from clipmill.operations.health import Health
from nats.js.api import DiscardPolicy

MIB = 1024**2
DISK_BYTES = 24 * MIB
RESERVE_BYTES = DISK_BYTES // 20
"""The space that a gateway keeps free on such a disk by default."""

UPLOAD_BYTES = 40 * MIB
"""More than the disk holds: the gateway answers while the client still sends."""

ANSWER_SECONDS = 2.0
KEY = {"X-Gemini-Key": "AIza-lent-key"}
URL = {"url": "https://example.com/talk.mp4"}

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="talk.mp4"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@pytest.fixture
def small_disk(tmp_path):
    """Mount a real disk of `DISK_BYTES`, which only the superuser may, and yield its folder."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        assert not (os.environ.get("CI") and os.geteuid() == 0), mounted.stderr
        pytest.skip(f"a disk that can be filled cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
async def serve(gateway, nc, secrets):
    """Return a function that serves the gateway's API over another store and returns a client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(folder, *, reserve_bytes=None, max_upload_bytes=2 * UPLOAD_BYTES):
            store, streams = open_store(folder.as_uri()), JobStreams(nc)
            admission = Admission(store, streams, reserve_bytes)
            submissions = Submissions(
                store,
                gateway.publisher,
                gateway.documents,
                secrets,
                admission,
                max_upload_bytes=max_upload_bytes,
                answer_seconds=ANSWER_SECONDS,
            )
            stack.push_async_callback(submissions.close)
            jobs = Jobs(
                gateway.index,
                gateway.statuses,
                gateway.publisher,
                gateway.ended,
                gateway.removal,
                answer_seconds=ANSWER_SECONDS,
            )
            stack.push_async_callback(jobs.close)
            app = application(
                submissions,
                gateway.statuses,
                jobs,
                Transcripts(store, gateway.statuses),
                Videos(store, gateway.statuses),
                clips=Clips(
                    store, gateway.statuses, gateway.publisher, streams, admission, answer_seconds=ANSWER_SECONDS
                ),
                archives=Archives(store, gateway.statuses),
                configuration=Configuration(max_upload_bytes, (), 3600.0),
                health=Health(),
            )
            return await stack.enter_async_context(TestClient(TestServer(app)))

        yield start


@pytest.fixture
def left(nc):
    """Return a function that counts events, documents and tasks."""

    async def count():
        js = nc.jetstream()
        states = [(await js.stream_info(name)).state for name in (EVENTS, JOBS.stream, INTAKE)]
        return [state.messages for state in states]

    return count


async def send_regardless(api, size, *, chunked):
    """Send an upload of `size` bytes to its end before looking for the answer, as simple clients do."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(HEAD) + size + len(TAIL)}"
    reader, writer = await begin_upload(api, framing)
    try:
        for piece in (HEAD, *([bytes(MIB)] * (size // MIB)), TAIL):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
        if chunked:
            writer.write(b"0\r\n\r\n")
        return await answer_of(reader)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def begin_upload(api, framing):
    """Send the head of a request with a file; return reader and writer of its connection."""
    reader, writer = await asyncio.open_connection(api.host, api.port)
    kind = "Content-Type: multipart/form-data; boundary=x"
    writer.write(f"POST /api/process HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n{framing}\r\n\r\n".encode())
    return reader, writer


async def answer_of(reader):
    """Return status, body and headers of the next answer."""
    async with asyncio.timeout(60):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
        body = json.loads(await reader.readexactly(int(headers["Content-Length"])))
    return int(head.split()[1]), body, headers


async def refused(answer, code):
    assert (answer.status, (await answer.json())["code"]) == (503, code)
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_disk_without_its_reserve_takes_no_job_until_there_is_room_again(serve, small_disk, left):
    api = await serve(small_disk)
    accepted = await (await api.post("/api/process", json=URL)).json()
    before = await left()
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(DISK_BYTES - RESERVE_BYTES + MIB // 2))
    await refused(await api.post("/api/process", json=URL, headers=KEY), "out_of_space")
    assert await left() == before
    assert (await (await api.get(f"/api/status/{accepted['job_id']}")).json())["status"] == "queued"
    ballast.unlink()
    assert (await api.post("/api/process", json=URL)).status == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upload_that_would_take_the_reserve_is_refused_while_it_is_sent(serve, small_disk, left, chunked):
    api = await serve(small_disk, reserve_bytes=6 * MIB)
    status, body, headers = await send_regardless(api, UPLOAD_BYTES, chunked=chunked)
    assert (status, body["code"]) == (503, "out_of_space")
    assert int(headers["Retry-After"]) > 0
    assert headers["Connection"] == "close"
    assert list(small_disk.glob("jobs/*")) == []
    assert await left() == [0, 0, 0]


async def test_a_disk_that_fills_up_while_an_upload_is_sent_is_reported(serve, small_disk, left):
    api = await serve(small_disk, reserve_bytes=0)
    status, body, headers = await send_regardless(api, UPLOAD_BYTES, chunked=True)
    assert (status, body["code"]) == (503, "out_of_space")
    assert int(headers["Retry-After"]) > 0
    assert list(small_disk.glob("jobs/*")) == []
    assert await left() == [0, 0, 0]
    assert (await send_regardless(api, 4 * MIB, chunked=False))[0] == 200


async def test_an_upload_over_the_limit_is_refused_while_it_is_still_sent(serve, tmp_path, left):
    api = await serve(tmp_path / "large", reserve_bytes=0, max_upload_bytes=2 * MIB)
    status, body, _ = await send_regardless(api, UPLOAD_BYTES, chunked=False)
    assert (status, body["code"]) == (413, "too_large")
    assert list(tmp_path.glob("large/jobs/*")) == []
    assert await left() == [0, 0, 0]


async def test_an_upload_that_breaks_off_leaves_nothing(serve, tmp_path, left):
    api = await serve(tmp_path / "large", reserve_bytes=0)
    _, writer = await begin_upload(api, f"Content-Length: {UPLOAD_BYTES}")
    writer.write(HEAD + bytes(20 * MIB))
    async with asyncio.timeout(60):
        while not list(tmp_path.glob("large/jobs/*/upload*")):
            await asyncio.sleep(0.01)
        writer.transport.abort()
        while list(tmp_path.glob("large/jobs/*")):
            await asyncio.sleep(0.01)
    assert await left() == [0, 0, 0]


async def test_a_full_queue_refuses_a_job_before_anything_is_published_of_it(serve, tmp_path, nc, left):
    api = await serve(tmp_path / "large", reserve_bytes=0)
    assert (await api.post("/api/process", json=URL)).status == 200
    await limit(nc, INTAKE, max_msgs=1)
    before = await left()
    await refused(await api.post("/api/process", json=URL, headers=KEY), "busy")
    status, body, headers = await send_regardless(api, UPLOAD_BYTES, chunked=False)
    assert (status, body["code"], headers["Retry-After"]) == (503, "busy", "30")
    assert await left() == before
    assert list(tmp_path.glob("large/jobs/*")) == []


async def test_of_many_that_race_for_the_last_place_one_wins_and_the_others_are_cancelled(serve, tmp_path, nc, secrets):
    api = await serve(tmp_path / "large", reserve_bytes=0)
    await limit(nc, INTAKE, max_msgs=1)
    answers = await asyncio.gather(*(api.post("/api/process", json=URL, headers=KEY) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [503] * 7
    jobs = (await (await api.get("/api/jobs")).json())["jobs"]
    async with asyncio.timeout(60):
        while sum(job["status"] == "cancelled" for job in jobs) < len(jobs) - 1:
            await asyncio.sleep(0.01)
            jobs = (await (await api.get("/api/jobs")).json())["jobs"]
    assert len(jobs) > 1, "nobody raced"
    winner = next(job["job_id"] for job in jobs if job["status"] == "queued")
    assert {job["job_id"] for job in jobs if await secrets.get(job["job_id"])} == {winner}
    assert (await nc.jetstream().stream_info(INTAKE)).state.messages == 1


@pytest.mark.parametrize("stream", [EVENTS, JOBS.stream])
async def test_a_stream_without_space_is_a_503_and_the_job_does_not_wait(serve, tmp_path, nc, stream):
    api = await serve(tmp_path / "large", reserve_bytes=0)
    accepted = await (await api.post("/api/process", json=URL)).json()
    await limit(nc, stream, max_bytes=1, discard=DiscardPolicy.NEW)
    answer = await api.post("/api/process", json=URL)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    await limit(nc, stream, max_bytes=-1)
    assert (await (await api.get(f"/api/status/{accepted['job_id']}")).json())["status"] == "queued"
    assert (await nc.jetstream().stream_info(INTAKE)).state.messages == 1
    assert (await api.post("/api/process", json=URL)).status == 200


async def limit(nc, stream, **limits):
    js = nc.jetstream()
    await js.update_stream((await js.stream_info(stream)).config.evolve(**limits))
