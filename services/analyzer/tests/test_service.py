"""The process runs as in production, with a real NATS, from a stored source to the render tasks."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest
from clipmill.analyzer.asking.costs import PriceTableError, load_prices
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import open_store
from clipmill.contracts import codec, subjects
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import Plan
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import ScenesTask
from clipmill.messaging.publisher import Publisher

PATIENCE = 60.0

DECODERS = ("cv2", "av", "av.libs", "PIL", "torch", "ai_edge_litert")
"""Libraries that may crash on bad media or take much memory, and so belong in child processes."""


@pytest.fixture
async def service(nats_server, nc, tmp_path):
    """Run `python -m clipmill.analyzer` with environment variables only."""
    environment = {
        "CLIPMILL_NATS_URL": nats_server.url,
        "CLIPMILL_STORE_URL": (tmp_path / "store").as_uri(),
        "CLIPMILL_ANALYZER_PORT": "0",
        "CLIPMILL_LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clipmill.analyzer", env=environment, stderr=asyncio.subprocess.PIPE
    )
    yield process
    process.terminate()
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, said.decode()


def _maps(pid):
    return Path(f"/proc/{pid}/maps").read_text()


async def test_both_stages_run_in_one_process_from_source_to_render_tasks(
    service, nc, tmp_path, write_video, media_of, make_talk
):
    store, job = open_store((tmp_path / "store").as_uri()), new_job_id()
    transcript = make_talk(2).transcript
    seconds = int(transcript.duration)
    write_video(tmp_path / "a.mp4", [index * 1000 for index in range(seconds)], cuts=[seconds // 2], size=(160, 90))
    await store.put_file(layout.source(job), tmp_path / "a.mp4")
    await store.put_bytes(layout.media(job), encode(media_of(float(seconds))))
    await store.put_bytes(layout.transcript(job), encode(transcript))
    events = await nc.subscribe(subjects.events_of_job(job))
    renders = await nc.subscribe(subjects.tasks_of(Stage.RENDER))

    await Publisher(nc).task(ScenesTask(job=job, options=JobOptions(target_clips=2)))
    tasks = [codec.decode_task((await renders.next_msg(PATIENCE)).data) for _ in range(2)]

    plan = await load(store, layout.plan(job), Plan)
    assert plan is not None
    assert [task.number for task in tasks] == [clip.number for clip in plan.clips]
    kinds = []
    while "clips_planned" not in kinds:
        kinds.append(codec.decode_event((await events.next_msg(PATIENCE)).data).kind)
    assert [kind for kind in kinds if kind != "stage_progress"] == [
        "stage_started",
        "stage_finished",
        "stage_started",
        "cost",
        "stage_finished",
        "clips_planned",
    ]
    mapped = _maps(service.pid)
    assert "/site-packages/" in mapped
    assert not [library for library in DECODERS if f"/{library}/" in mapped]


async def _failed_start(**settings):
    environment = {"CLIPMILL_ANALYZER_PORT": "0", **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clipmill.analyzer", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert b"Traceback" not in said
    return process.returncode, said.decode().splitlines()[-1]


@pytest.mark.slow
async def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, said = await _failed_start(
            CLIPMILL_ANALYZER_PORT=port, CLIPMILL_STORE_URL=(tmp_path / "store").as_uri()
        )
    assert status == 1
    assert f"Port {port} of 127.0.0.1 cannot be opened (Address already in use); stop the program" in said
    assert said.endswith("set CLIPMILL_ANALYZER_PORT or CLIPMILL_HOST.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "status", "sentence"),
    [
        ("file:///proc/nope", 1, "The artifact store file:///proc/nope cannot be used (No such file or directory)"),
        ("ftp://nope", 2, "CLIPMILL_STORE_URL: The value is not the URL of a store"),
    ],
)
async def test_a_store_that_cannot_be_used_is_named(url, status, sentence):
    ended, said = await _failed_start(CLIPMILL_STORE_URL=url)
    assert ended == status
    assert f"clipmill analyzer: {sentence}" in said


async def test_a_price_table_that_cannot_be_used_stops_the_start_with_its_variable(nats_server, nc, tmp_path):
    (tmp_path / "prices.toml").write_text("nonsense")
    with pytest.raises(PriceTableError):
        load_prices(tmp_path / "prices.toml")
    environment = {
        "CLIPMILL_NATS_URL": nats_server.url,
        "CLIPMILL_STORE_URL": (tmp_path / "store").as_uri(),
        "CLIPMILL_ANALYZER_PORT": "0",
        "CLIPMILL_ANALYZER_PRICE_TABLE": str(tmp_path / "prices.toml"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clipmill.analyzer", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 2
    assert b"CLIPMILL_ANALYZER_PRICE_TABLE" in said
    assert b"Traceback" not in said
