"""The files of clips and the source over real HTTP: names, validators and ranges."""

import os

import pytest
from clipmill.artifacts import layout
from clipmill.contracts.identifiers import JobId, new_job_id

CONTENT = bytes(range(250)) * 4


@pytest.fixture
async def clip(with_clips):
    """Return the URL of a clip of 1,001 known bytes."""
    job = await with_clips('It\u2019s 🎬 "now"')
    return f"/videos/{job}/talk_clip_1.mp4"


async def test_a_clip_is_named_by_its_title_and_is_no_other_type(api, clip):
    answer = await api.head(clip)
    assert answer.headers["Content-Disposition"] == (
        "inline; filename=\"Its 'now'.mp4\"; filename*=UTF-8''It%E2%80%99s%20%F0%9F%8E%AC%20%27now%27.mp4"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("query", "kind"), [("1", "attachment"), ("0", "inline"), ("yes", "inline")])
async def test_a_browser_saves_a_clip_only_if_it_is_asked_to(api, clip, query, kind):
    answer = await api.head(clip, params={"download": query})
    assert answer.headers["Content-Disposition"].startswith(f"{kind}; ")


async def test_the_tag_of_a_clip_is_that_of_its_content_and_not_of_its_size(api, clip, store):
    tag = (await api.head(clip)).headers["ETag"]
    assert (await api.head(clip)).headers["ETag"] == tag
    job = JobId(clip.split("/")[2])
    await store.put_bytes(layout.clip(job, 1), bytes(len(CONTENT) + 1))  # rendered again, and as large by chance
    other = await api.head(clip, headers={"If-None-Match": tag})
    assert (other.status, other.headers["ETag"] != tag) == (200, True)


@pytest.mark.parametrize("matching", ["{tag}", "W/{tag}", '"a", {tag}, "b"', "*"])
async def test_a_client_that_has_the_clip_gets_a_304(api, clip, matching):
    first = await api.head(clip)
    answer = await api.get(clip, headers={"If-None-Match": matching.format(tag=first.headers["ETag"])})
    assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (await api.head(clip, headers={"If-None-Match": '"other"'})).status == 200


async def test_a_client_that_knows_only_the_date_gets_a_304_too(api, clip):
    date = (await api.head(clip)).headers["Last-Modified"]
    assert (await api.get(clip, headers={"If-Modified-Since": date})).status == 304
    earlier = {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert (await api.head(clip, headers=earlier)).status == 200
    assert (await api.head(clip, headers={"If-Modified-Since": date, "If-None-Match": '"x"'})).status == 200
    assert (await api.head(clip, headers={"If-Modified-Since": "nonsense"})).status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{tag}", 206),
        ("{date}", 206),
        ("W/{tag}", 200),
        ('"other"', 200),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 200),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 200),
        ("nonsense", 200),
        ("", 200),
    ],
)
async def test_a_range_is_sent_only_if_the_clip_is_still_the_one_that_the_client_has(api, clip, condition, status):
    first = await api.head(clip)
    wanted = condition.format(tag=first.headers["ETag"], date=first.headers["Last-Modified"])
    answer = await api.get(clip, headers={"Range": "bytes=0-9", "If-Range": wanted})
    assert (answer.status, len(await answer.read())) == (status, 10 if status == 206 else 1001)


@pytest.mark.parametrize(
    ("asked", "status", "length"),
    [
        ("bytes=" + "0" * 5000 + "-9", 206, 10),
        ("bytes=" + "9" * 5000 + "-", 416, 0),
        ("bytes=0-" + "9" * 5000, 206, 1001),
        ("bytes=-" + "9" * 5000, 206, 1001),
        ("bytes=" + "9" * 4000 + "-" + "9" * 4000, 416, 0),
        ("Bytes=0-9", 206, 10),
        ("bytes= 0-9", 206, 10),
        ("bytes=-0", 416, 0),
        ("bytes=0-1,5-6", 200, 1001),
        ("bytes=", 200, 1001),
        ("bytes=-", 200, 1001),
        ("bytes=--5", 200, 1001),
        ("bytes=1٣-", 200, 1001),
        ("bytes=+1-2", 200, 1001),
    ],
)
async def test_no_range_is_an_error_of_the_server(api, clip, asked, status, length):
    answer = await api.get(clip, headers={"Range": asked})
    assert (answer.status, len(await answer.read())) == (status, length)
    if status == 416:
        assert answer.headers["Content-Range"] == "bytes */1001"


async def test_head_has_the_headers_of_the_whole_file_whatever_the_range(api, clip):
    whole = await api.get(clip)
    assert len(await whole.read()) == 1001
    head = await api.head(clip, headers={"Range": "bytes=0-9"})
    assert (head.status, await head.read()) == (200, b"")
    for name in ("Content-Length", "ETag", "Last-Modified", "Content-Disposition", "Content-Type", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]


async def test_a_clip_that_gets_shorter_while_it_is_sent_is_cut_off_and_leaves_nobody_waiting(
    api, with_clips, tmp_path
):
    job = await with_clips("A")
    stored = tmp_path / "store" / layout.clip(job, 1)
    os.truncate(stored, 50_000_000)  # more than the buffers of a connection take
    answer = await api.get(f"/videos/{job}/talk_clip_1.mp4")
    assert answer.status == 200
    os.truncate(stored, 10_000_000)
    with pytest.raises(Exception, match=r"(?i)payload|closed|reset"):
        await answer.read()


async def test_the_source_is_sent_as_it_is_stored_with_ranges(api, with_source):
    job = await with_source()
    answer = await api.get(f"/api/source/{job}")
    assert (answer.status, answer.content_type, await answer.read()) == (200, "video/x-matroska", CONTENT)
    assert answer.headers["Content-Disposition"] == (
        "inline; filename=\"Uber alles.mkv\"; filename*=UTF-8''%C3%9Cber%20alles.mkv"
    )
    part = await api.get(f"/api/source/{job}", headers={"Range": "bytes=10-19", "If-Range": answer.headers["ETag"]})
    assert (part.status, await part.read()) == (206, CONTENT[10:20])
    assert (await api.head(f"/api/source/{job}")).headers["Content-Length"] == "1000"


async def test_a_source_in_a_container_of_a_later_version_is_sent_too(api, with_source):
    answer = await api.get(f"/api/source/{await with_source(container='webm')}")
    assert (answer.status, answer.content_type) == (200, "application/octet-stream")
    assert await answer.read() == CONTENT


async def test_a_source_that_is_not_there_is_a_404_with_the_reason(api, submit, with_source, with_clips, store):
    waiting = await api.get(f"/api/source/{await submit()}")
    problem = {"detail": "The source of the job is not there yet; try again later.", "code": "not_found"}
    assert (waiting.status, await waiting.json()) == (404, problem)
    ended = await api.get(f"/api/source/{await with_clips('A')}")
    problem = {"detail": "The source of the job is gone; submit the video again.", "code": "not_found"}
    assert (ended.status, await ended.json()) == (404, problem)
    job = await with_source()
    await store.delete(layout.source(job))
    assert (await api.get(f"/api/source/{job}")).status == 404
    cancelled = await with_source()
    await api.delete(f"/api/jobs/{cancelled}")
    for unknown in (cancelled, new_job_id(), "x"):
        answer = await api.get(f"/api/source/{unknown}")
        assert (answer.status, await answer.json()) == (404, {"detail": "Job not found"})
