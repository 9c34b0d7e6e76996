"""Jobs whose files can be fetched."""

import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.documents import save_once
from clipmill.contracts.documents import MediaFacts, Origin, VideoFacts
from clipmill.contracts.events import ClipRendered, ClipsPlanned, Started
from msgspec.structs import replace

CONTENT = bytes(range(250)) * 4


@pytest.fixture
def with_clips(submit, clip_of, store, published):
    """Return a function that makes a completed job whose clips have the given titles and `CONTENT`."""

    async def make(*titles):
        job = await submit()
        events = []
        for number, title in enumerate(titles, 1):
            await store.put_bytes(layout.clip(job, number), CONTENT + bytes([number]))
            await store.put_bytes(layout.subtitles(job, number), b"1")
            events.append(ClipRendered(job=job, clip=number, public=replace(clip_of(job, number), title=title)))
        await published(Started(job=job), ClipsPlanned(job=job, count=len(titles)), *events)
        return job

    return make


@pytest.fixture
def with_source(submit, store):
    """Return a function that makes a job whose source is downloaded."""

    async def make(title="Über alles", container="mkv"):
        job = await submit()
        await store.put_bytes(layout.source(job), CONTENT)
        facts = MediaFacts(
            stem="uber_alles",
            title=title,
            container=container,
            duration=1.0,
            size_bytes=len(CONTENT),
            origin=Origin.URL,
            video=VideoFacts(codec="h264", width=8, height=8),
        )
        await save_once(store, layout.media(job), facts)
        return job

    return make
