"""Searching the list of jobs by source and titles, over real HTTP with a real NATS; and the size of its index."""

import sys
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from clipmill.contracts.events import ClipRendered, ClipsPlanned, Started
from clipmill.contracts.status import PublicClip
from clipmill.gateway.projection.document import JobDocument, JobHead, TitledClip, job_status
from clipmill.gateway.projection.index import WORDS_BYTES, searchable
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

RECORDED = Path(__file__).parents[4] / "tests/contract/recorded"


@pytest.fixture
def titled(submit, published, clip_of):
    """Return a function that makes a completed job with the given titles."""

    async def make(*titles, **body):
        job = await submit(**body)
        clips = [
            ClipRendered(job=job, clip=number, public=replace(clip_of(job, number), title=title))
            for number, title in enumerate(titles, 1)
        ]
        await published(Started(job=job), ClipsPlanned(job=job, count=len(titles)), *clips)
        return job

    return make


@pytest.fixture
def found(api):
    """Return a function that lists the jobs that a query finds."""

    async def search(query, **more):
        answer = await api.get("/api/jobs", params={"query": query, **more})
        assert answer.status == 200, await answer.text()
        return [job["job_id"] for job in (await answer.json())["jobs"]]

    return search


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Why Cats Sleep", "cats"),
        ("Why Cats Sleep", "SLEEP why"),
        ("Why Cats Sleep", "leep"),
        ("Die Straße nach Süden", "STRASSE"),
        ("Die Straße nach Süden", "su\u0308den"),
        ("Κόσμος", "ΚΌΣΜΟΣ"),
        ("ИСТОРИЯ", "история"),
        ("東京の夜", "東京"),
        ("\uff26\uff35\uff2c\uff2c width", "full"),
        ("It's 🎬 time", "🎬"),
        ("İstanbul", "i̇stanbul"),
        ('Quote "this"', '"this"'),
    ],
)
async def test_a_title_is_found_in_any_script_and_case(titled, found, title, query):
    job = await titled("Another", title)
    await titled("Something else")
    assert await found(query) == [job]
    assert await found(f"{query} nowhere") == []


async def test_a_source_is_found_by_its_name_and_a_query_combines_with_a_status(titled, found, submit):
    job = await titled("A", url="https://example.com/holiday-2026.mp4")
    waiting = await submit(url="https://example.com/holiday-2027.mp4")
    assert await found("HOLIDAY") == [waiting, job]
    assert await found("holiday", status="completed") == [job]
    assert await found("2026 holiday") == [job]
    assert await found("") == [waiting, job]
    assert await found("  ") == [waiting, job]


async def test_a_query_pages_like_the_list(api, titled):
    jobs = [await titled("Cats") for _ in range(3)]
    await titled("Dogs")
    page = await (await api.get("/api/jobs", params={"query": "cats", "limit": "2"})).json()
    rest = await (await api.get("/api/jobs", params={"query": "cats", "before": page["next"]})).json()
    assert [job["job_id"] for job in (*page["jobs"], *rest["jobs"])] == jobs[::-1]


async def test_the_index_takes_at_most_a_kilobyte_for_a_job(titled, gateway):
    job = await titled(*(f"{number}: {'🎬東京' * 30}" for number in range(15)), url=f"https://a.b/{'x' * 2000}")
    await gateway.index.refresh()
    entry = gateway.index.jobs[job]
    fields = [entry.created, entry.finished, entry.kept_from, entry.words]  # all jobs share the others
    assert len(entry.words) <= WORDS_BYTES
    entry.words.decode()  # no half character
    slot = 100  # of the dictionary: hash and two pointers, with the room that it keeps free
    assert sum(map(sys.getsizeof, (job, entry, *fields))) + slot <= 1024


@given(st.text(max_size=60))
def test_a_text_is_found_by_itself_in_any_case(text):
    assert searchable(text) == searchable(searchable(text))
    assert searchable(text.upper()) == searchable(searchable(text.upper()))


def test_a_head_has_the_types_of_the_document():
    head, document = get_type_hints(JobHead), get_type_hints(JobDocument)
    closed = {"state", "captions", "stages", "options", "priority"}
    assert {name: document[name] for name in head.keys() - {"clips"}} == {
        name: head[name] for name in head.keys() - {"clips"}
    }
    assert closed <= head.keys()
    assert get_type_hints(TitledClip)["title"] is get_type_hints(PublicClip)["title"]


def test_a_head_of_each_recorded_document_says_what_the_document_says():
    files = sorted((RECORDED / "jobs").iterdir())
    assert files
    for file in files:
        data = file.read_bytes()
        document, head = (msgspec.json.decode(data, type=kind) for kind in (JobDocument, JobHead))
        assert (job_status(head), head.kept_from) == (job_status(document), document.kept_from)
        assert [clip.title for clip in head.clips] == [clip.title for clip in document.clips]
