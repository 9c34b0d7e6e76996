"""The service process holds no decoder and no yt-dlp: only its child processes have them."""

import asyncio
import sys

import pytest
from clipmill.contracts.identifiers import new_job_id

pytestmark = pytest.mark.slow

WHOLE_TASK = """
import asyncio, sys
from types import SimpleNamespace
from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import MediaFacts
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.tasks import DownloadTask
from clipmill.downloader.__main__ import build
from clipmill.downloader.settings import DownloaderSettings
from clipmill.operations.settings import load_settings

job, url = JobId(sys.argv[1]), sys.argv[2]

async def nothing(_):
    pass

async def main():
    environ = {"CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS": "127.0.0.1/32"}
    settings = load_settings(DownloaderSettings, "downloader", environ)
    store = open_store("memory://")
    async with build(settings, SimpleNamespace(store=store)) as (worker,):
        context = SimpleNamespace(attempt=1, emit=nothing, submit=nothing, progress=lambda percent: None)
        await worker.handler(DownloadTask(job=job, url=url), context)
    assert await documents.load(store, layout.media(job), MediaFacts) is not None

asyncio.run(main())
print(*sys.modules)
print("--")
print(open("/proc/self/maps").read() if sys.platform == "linux" else "")
"""
"""A whole download, as the service wires it."""

HEAVY = {"av", "cv2", "PIL", "numpy", "torch", "ai_edge_litert", "yt_dlp"}


async def test_the_service_process_holds_neither_decoder_nor_yt_dlp_after_a_whole_task(media_server, short_video):
    url = media_server.serve_file("/talk.mp4", short_video)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WHOLE_TASK, new_job_id(), url, stdout=pipe, stderr=pipe
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    modules, _, maps = output.decode().partition("--\n")
    assert HEAVY & set(modules.split()) == set()
    assert {name for name in HEAVY for line in maps.splitlines() if f"/site-packages/{name}" in line} == set()
