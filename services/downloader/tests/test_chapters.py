"""Chapters of a page become facts of the source, through the real yt-dlp."""

import json

import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import Chapter, MediaFacts
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.tasks import DownloadTask
from clipmill.downloader.handler import DownloadHandler
from clipmill.downloader.settings import DownloaderSettings

pytestmark = [pytest.mark.media, pytest.mark.slow]


async def test_the_chapters_of_a_page_are_facts_of_the_source(context, media_server, short_video, tmp_path):
    parts = [
        {"@type": "Clip", "name": "First", "startOffset": 0, "endOffset": 4},
        {"@type": "Clip", "name": "Second", "startOffset": 4, "endOffset": 60},
        {"@type": "Clip", "name": "Beyond the end", "startOffset": 60, "endOffset": 90},
    ]
    url = media_server.serve_file("/v.mp4", short_video)
    data = {"@context": "https://schema.org", "@type": "VideoObject", "contentUrl": url, "hasPart": parts}
    html = f'<html><script type="application/ld+json">{json.dumps(data)}</script></html>'
    task = DownloadTask(job=new_job_id(), url=media_server.serve_html("/page", html))
    store = open_store("memory://")
    settings = DownloaderSettings(allowed_networks=("127.0.0.1/32",), work_dir=tmp_path)
    await DownloadHandler(store, settings)(task, context)
    facts = await load(store, layout.media(task.job), MediaFacts)
    assert facts is not None
    assert facts.chapters == (
        Chapter(start=0.0, end=4.0, title="First"),
        Chapter(start=4.0, end=facts.duration, title="Second"),
    )
