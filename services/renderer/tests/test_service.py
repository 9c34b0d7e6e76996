"""The process, started as in production with a real NATS, from a planned clip to its event."""

import asyncio
import sys
from pathlib import Path

import pytest
from clipmill.contracts import subjects
from clipmill.contracts.codec import decode_event
from clipmill.contracts.tasks import RenderTask
from clipmill.messaging.publisher import Publisher
from clipmill.renderer import __main__ as renderer
from structlog.testing import capture_logs

PATIENCE = 120.0
DECODERS = ("/cv2/", "/av/", "/av.libs/", "/PIL/", "/torch/", "/ai_edge_litert/", "/numpy/")
"""Folders, as mapped files show them, of libraries that only child processes may load."""


@pytest.fixture
async def service(nats_server, nc, settings):
    """Run `python -m clipmill.renderer` with environment variables only."""
    environment = {
        "CLIPMILL_NATS_URL": nats_server.url,
        "CLIPMILL_STORE_URL": settings.common.store_url,
        "CLIPMILL_RENDERER_PORT": "0",
        "CLIPMILL_RENDERER_SLOTS": "1",
        "CLIPMILL_RENDERER_PRESET": "ultrafast",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clipmill.renderer", env=environment, stderr=asyncio.subprocess.PIPE
    )
    yield process
    process.terminate()
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, said.decode()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists a process's mapped files")
async def test_the_service_has_rendered_a_clip_and_holds_no_decoder(blazeface, service, nc, job_with):
    _, job = await job_with(seconds=4)
    events = await nc.subscribe(subjects.events_of_job(job))
    await Publisher(nc).task(RenderTask(job=job, number=1))
    kinds = []
    while "clip_rendered" not in kinds:
        kinds.append(decode_event((await events.next_msg(PATIENCE)).data).kind)
    mapped = await asyncio.to_thread(Path(f"/proc/{service.pid}/maps").read_text)
    assert "/msgspec/" in mapped
    assert [library for library in DECODERS if library in mapped] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("clipmill.renderer.text.typefaces:nowhere", ["text_shaping_unknown"]),
        (renderer.SHAPING_TARGET, []),
    ],
)
async def test_a_probe_of_text_that_fails_is_logged_and_does_not_stop_the_start(monkeypatch, target, words):
    monkeypatch.setattr(renderer, "SHAPING_TARGET", target)
    with capture_logs() as said:
        await renderer._warn_of_unshaped_text()
    assert [line["event"] for line in said if line["log_level"] == "warning" and "text" in line["event"]] == words
