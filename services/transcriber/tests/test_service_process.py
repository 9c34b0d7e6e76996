"""The service process holds no decoder and no model: only the model process has them."""

import subprocess
import sys

import pytest
from clipmill.artifacts import layout
from clipmill.contracts.identifiers import new_job_id

pytestmark = [pytest.mark.media, pytest.mark.slow]

WHOLE_JOB = """
import asyncio, sys
from types import SimpleNamespace
from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import AudioFacts, MediaFacts, Origin, Transcript, VideoFacts
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import TranscribeTask
from clipmill.operations.logs import get_logger
from clipmill.operations.settings import load_settings
from clipmill.transcriber.__main__ import build
from clipmill.transcriber.settings import TranscriberSettings

store_url, job = sys.argv[1], JobId(sys.argv[2])
facts = MediaFacts(
    stem="a", title="A", container="mp4", duration=0.2, size_bytes=1, origin=Origin.UPLOAD,
    video=VideoFacts(codec="h264", width=64, height=48), audio=AudioFacts(codec="aac", sample_rate=48_000, channels=2),
)

async def nothing(_event):
    pass

async def main():
    settings = load_settings(TranscriberSettings, "transcriber", {"CLIPMILL_STORE_URL": store_url})
    store = open_store(store_url)
    await documents.save_once(store, layout.media(job), facts)
    async with build(settings, SimpleNamespace(store=store)) as (worker,):
        context = SimpleNamespace(log=get_logger("test"), emit=nothing, submit=nothing, progress=lambda percent: None)
        await worker.handler(TranscribeTask(job=job, options=JobOptions()), context)
    assert await documents.load(store, layout.transcript(job), Transcript) is not None

asyncio.run(main())
print(*sys.modules, sep="\\n")
print("--")
print(open("/proc/self/maps").read() if sys.platform == "linux" else "")
"""
"""A whole task, as the service wires it. The source has no sound, so the model process needs no model."""

HEAVY = {
    *("av", "cv2", "PIL", "numpy", "torch", "ai_edge_litert"),
    *("whisperx", "faster_whisper", "ctranslate2", "onnxruntime", "transformers", "huggingface_hub"),
}


def test_the_service_process_holds_neither_decoder_nor_model_after_a_whole_task(tmp_path, make_media):
    job = new_job_id()
    source = tmp_path / layout.source(job)
    source.parent.mkdir(parents=True)
    make_media(tmp_path / "mute.mp4", picture=0.2).rename(source)

    command = [sys.executable, "-c", WHOLE_JOB, tmp_path.as_uri(), job]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    modules, _, maps = done.stdout.partition("--\n")
    assert HEAVY & set(modules.split()) == set()
    assert {name for name in HEAVY for line in maps.splitlines() if f"/site-packages/{name}" in line} == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists what a process has mapped in /proc")
def test_a_decoder_that_is_imported_is_seen_in_the_maps():
    code = "import av; print(open('/proc/self/maps').read())"
    maps = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "/site-packages/av" in maps
