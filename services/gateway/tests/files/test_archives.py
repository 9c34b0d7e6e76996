"""The clips of a job as one archive over real HTTP, read by `zipfile` and by `unzip` where it is installed."""

import io
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime

import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store, open_store
from clipmill.artifacts.stored import StoredFacts
from clipmill.contracts.events import ClipsPlanned, Started
from clipmill.contracts.identifiers import new_job_id
from clipmill.gateway.api.archives import Member, archive, archive_length

CONTENT = bytes(range(250)) * 4


def opened(data):
    read = zipfile.ZipFile(io.BytesIO(data))
    assert read.testzip() is None
    return read


@pytest.mark.parametrize("name", ["clips.zip", "download-all"])
async def test_an_archive_has_the_videos_and_subtitles_by_title_and_nothing_else(api, with_clips, store, name):
    job = await with_clips("Why: this?", "日本語 🎬", "CON", "Why: this?", "")
    await store.put_bytes(layout.poster(job, 1), b"jpeg")
    await store.put_bytes(layout.captions(job, 1), b"WEBVTT")
    answer = await api.get(f"/api/jobs/{job}/{name}")
    data = await answer.read()
    assert (answer.status, answer.content_type) == (200, "application/zip")
    assert int(answer.headers["Content-Length"]) == len(data)
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="clips-{job}.zip"')
    read = opened(data)
    stems = ["01 Why- this", "02 日本語 🎬", "03 _CON", "04 Why- this", "05 clip"]
    assert read.namelist() == [f"{stem}.{kind}" for stem in stems for kind in ("mp4", "srt")]
    for number, stem in enumerate(stems, 1):
        assert read.read(f"{stem}.mp4") == CONTENT + bytes([number])
        assert read.read(f"{stem}.srt") == b"1"
    assert {each.compress_type for each in read.infolist()} == {zipfile.ZIP_STORED}


async def test_other_programs_read_the_archive(api, with_clips, tmp_path):
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    job = await with_clips("日本語", "B")
    path = tmp_path / "clips.zip"
    path.write_bytes(await (await api.get(f"/api/jobs/{job}/clips.zip")).read())
    tested = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert tested.returncode == 0, tested.stdout


async def test_an_archive_of_a_job_at_work_has_the_clips_so_far(api, submit, published, rendered, store):
    job = await submit()
    nothing = await api.get(f"/api/jobs/{job}/clips.zip")
    problem = {"detail": "The job has no clip yet; try again later.", "code": "not_found"}
    assert (nothing.status, await nothing.json()) == (404, problem)
    await store.put_bytes(layout.clip(job, 2), b"clip")
    await published(Started(job=job), ClipsPlanned(job=job, count=3), await rendered(job, 2))
    read = opened(await (await api.get(f"/api/jobs/{job}/clips.zip")).read())
    assert read.namelist() == ["02 It's 🎬 b.mp4"]


async def test_a_job_without_clips_and_an_unknown_job_have_no_archive(api, with_clips):
    job = await with_clips()
    answer = await api.get(f"/api/jobs/{job}/clips.zip")
    assert answer.status == 404
    for unknown in (new_job_id(), "x"):
        answer = await api.get(f"/api/jobs/{unknown}/clips.zip")
        assert (answer.status, await answer.json()) == (404, {"detail": "Job not found"})


async def test_head_has_the_length_and_no_archive(api, with_clips):
    job = await with_clips("A")
    head = await api.head(f"/api/jobs/{job}/clips.zip")
    data = await (await api.get(f"/api/jobs/{job}/clips.zip")).read()
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(data)), b"")


async def test_a_clip_that_changes_while_it_is_sent_cuts_the_archive_off(api, with_clips, store, monkeypatch):
    job = await with_clips("A", "B")
    facts = Store.facts

    async def stale(self, key):
        found = await facts(self, key)
        return None if found is None else found._replace(size_bytes=found.size_bytes + 1)

    monkeypatch.setattr(Store, "facts", stale)
    with pytest.raises(Exception, match=r"(?i)payload|closed|reset|disconnected"):
        await (await api.get(f"/api/jobs/{job}/clips.zip")).read()


class Sparse:
    """A store of artifacts that are as large as their key says and all zeros."""

    async def stream(self, key):
        left = int(key)
        chunk = bytes(16 * 2**20)
        while left > 0:
            yield chunk[:left]
            left -= len(chunk)


async def test_an_archive_beyond_four_gigabytes_uses_the_longer_records_and_little_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(zipfile, "crc32", lambda _data, _value=0: 0)  # it would take seconds
    stored = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    sizes = [3 * 2**30, 5 * 2**30, 7]
    members = [Member(f"{at}.mp4", str(size), StoredFacts(size, "x", stored)) for at, size in enumerate(sizes)]
    assert archive_length(members) is None
    path = tmp_path / "sparse.zip"
    with path.open("wb") as file:
        async for chunk in archive(Sparse(), members):
            if not any(chunk[:64]) and len(chunk) > 2**20 and not any(chunk[-64:]):
                file.seek(len(chunk), io.SEEK_CUR)
            else:
                file.write(chunk)
    read = zipfile.ZipFile(path)
    assert [(each.filename, each.file_size) for each in read.infolist()] == [
        (f"{at}.mp4", size) for at, size in enumerate(sizes)
    ]
    assert read.infolist()[0].date_time == (2026, 1, 2, 3, 4, 6)
    assert len(read.open("2.mp4").read(7)) == 7


@pytest.mark.parametrize("count", [1, 2, 99])
async def test_the_length_is_exact(count, tmp_path):
    store = open_store((tmp_path / "s").as_uri())
    members = []
    for number in range(count):
        key = f"jobs/a/{number}"
        await store.put_bytes(key, bytes(number * 37))
        members.append(Member(f"{number} é.mp4", key, await store.facts(key)))
    data = b"".join([chunk async for chunk in archive(store, members)])
    assert archive_length(members) == len(data)
    assert len(opened(data).namelist()) == count
