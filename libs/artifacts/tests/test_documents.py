"""Each document is written once."""

import asyncio

import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load, save_once
from clipmill.artifacts.store import MissingArtifact, open_store
from clipmill.contracts.documents import Scenes, Shot, Transcript
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId, new_job_id

JOB = JobId("550e8400-e29b-41d4-a716-446655440000")


@pytest.fixture
def store():
    return open_store("memory://")


def scenes(*ends: float) -> Scenes:
    return Scenes(shots=tuple(Shot(start=0.0, end=end) for end in ends), detector="adaptive", frame_rate=25.0)


async def test_a_document_comes_back_as_its_type(store):
    key = layout.scenes(new_job_id())
    assert await save_once(store, key, scenes(1.0, 2.5)) == scenes(1.0, 2.5)
    assert await load(store, key, Scenes) == scenes(1.0, 2.5)


async def test_no_document_is_none(store):
    assert await load(store, layout.scenes(JOB), Scenes) is None


async def test_all_who_save_at_once_go_on_from_the_same_document(store):
    returned = await asyncio.gather(*(save_once(store, layout.scenes(JOB), scenes(float(n + 1))) for n in range(8)))
    assert len(set(returned)) == 1
    assert await load(store, layout.scenes(JOB), Scenes) == returned[0]


async def test_a_document_that_was_deleted_meanwhile_is_missing(store, monkeypatch):
    await store.put_bytes(layout.scenes(JOB), b"{}")
    put = store.put_bytes

    async def then_deleted(key, data, *, create=False):
        stored = await put(key, data, create=create)
        await store.delete_prefix(layout.job_prefix(JOB))
        return stored

    monkeypatch.setattr(store, "put_bytes", then_deleted)
    with pytest.raises(MissingArtifact):
        await save_once(store, layout.scenes(JOB), scenes(1.0))


async def test_what_is_no_such_document_is_a_permanent_failure(store):
    await store.put_bytes(layout.transcript(JOB), b'{"language": 7}')
    with pytest.raises(Permanent, match=r"transcript\.json") as caught:
        await load(store, layout.transcript(JOB), Transcript)
    assert caught.value.code is ErrorCode.INTERNAL


def test_every_artifact_of_a_job_has_its_own_key_below_the_prefix_of_the_job():
    whole = [layout.upload, layout.source, layout.media, layout.transcript, layout.scenes, layout.plan]
    each = [layout.clip, layout.poster, layout.captions, layout.clip_facts]
    keys = [key(JOB) for key in whole] + [key(JOB, number) for key in each for number in (1, 2)]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(f"{layout.job_prefix(JOB)}/") for key in keys)
    assert layout.clip(JOB, 2) == f"jobs/{JOB}/clips/2/clip.mp4"
