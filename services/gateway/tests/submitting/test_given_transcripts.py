"""Transcripts that come with a submission: read before the job is accepted, and removed with it."""

import asyncio
import io
import threading
import time

import pytest
from aiohttp import FormData
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.given_transcripts import BYTES_LIMIT, read_transcript
from clipmill.contracts import codec
from clipmill.contracts.documents import Segment, Transcript
from clipmill.contracts.identifiers import JobId
from clipmill.messaging.topology import INTAKE

SUBTITLES = b"1\r\n00:00:01,000 --> 00:00:02,500\r\nGood evening.\r\n"
READ = (Segment(text="Good evening.", start=1.0, end=2.5),)
URL = "https://example.com/talk.mp4"


def form_of(*parts: tuple[str, bytes | str]) -> FormData:
    """Return a form with these parts in their order; bytes are files."""
    form = FormData(default_to_multipart=True)
    for name, content in parts:
        is_file = isinstance(content, bytes)
        form.add_field(name, io.BytesIO(content) if is_file else content, filename=f"{name}.bin" if is_file else None)
    return form


def files(tmp_path) -> list[str]:
    return [path.name for path in (tmp_path / "store").rglob("*") if path.is_file()]


async def accepted(api, nc, form: FormData) -> tuple[JobId, object]:
    """Return the job of an accepted submission and its first task."""
    answer = await api.post("/api/process", data=form)
    assert answer.status == 200, await answer.text()
    task = codec.decode_task((await nc.jetstream().get_msg(INTAKE, seq=1, subject=">", next=True)).data)
    return JobId((await answer.json())["job_id"]), task


@pytest.mark.parametrize(
    "parts",
    [
        [("transcript", SUBTITLES), ("file", b"video")],
        [("file", b"video"), ("target_clips", "2"), ("transcript", SUBTITLES)],
        [("transcript", SUBTITLES), ("url", URL)],
        [("url", URL), ("transcript", SUBTITLES.decode())],
    ],
)
async def test_a_transcript_beside_any_source_is_stored_before_the_task(api, store, nc, parts):
    job, task = await accepted(api, nc, form_of(*parts))
    assert task.options.transcript
    stored = await load(store, layout.given_transcript(job), Transcript)
    assert stored == Transcript(language="", duration=2.5, segments=READ)
    assert await store.size(layout.upload(job)) == (5 if task.url is None else None)
    view = await (await api.get(f"/api/jobs/{job}")).json()
    assert view["options"]["transcript"] is True


async def test_a_form_without_a_chosen_transcript_has_none(api, nc, tmp_path):
    form = FormData()
    form.add_field("url", URL)
    form.add_field("transcript", b"", filename="", content_type="application/octet-stream")
    _, task = await accepted(api, nc, form)
    assert not task.options.transcript
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (b"Good evening.", "bad_transcript", "The transcript has no cue"),
        (b"x", "bad_transcript", "The transcript has no cue"),
        (
            "1\n00:00:01 --> 00:00:02\nGrüße".encode("latin-1"),
            "bad_transcript",
            "Line 3 of the transcript is not UTF-8",
        ),
        (b"1\n00:00:03 --> soon\nHello", "bad_transcript", "The transcript has times that cannot be understood"),
    ],
)
async def test_a_bad_transcript_is_a_400_and_leaves_nothing(api, tmp_path, content, code, sentence):
    for parts in ([("transcript", content), ("file", b"video")], [("file", b"video"), ("transcript", content)]):
        answer = await api.post("/api/process", data=form_of(*parts))
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (400, code)
        assert problem["detail"].startswith(sentence)
        assert problem["detail"].endswith(".")
    assert not files(tmp_path)


async def test_a_second_transcript_and_a_transcript_that_is_no_part_are_refused(api, tmp_path):
    answer = await api.post(
        "/api/process", data=form_of(("url", URL), ("transcript", SUBTITLES), ("transcript", SUBTITLES))
    )
    assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")
    for sent in ({"json": {"url": URL, "transcript": "x"}}, {"data": {"url": URL, "transcript": "x"}}):
        answer = await api.post("/api/process", **sent)
        assert (answer.status, (await answer.json())["code"]) == (400, "bad_transcript")
    assert not files(tmp_path)


async def test_a_transcript_over_the_limit_is_a_413_with_the_limit(api, tmp_path):
    form = form_of(("url", URL))
    form.add_field("transcript", io.BytesIO(bytes(BYTES_LIMIT + 1)), filename="talk.srt")
    answer = await api.post("/api/process", data=form)
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (413, "too_large")
    assert str(BYTES_LIMIT) in problem["detail"]
    assert not files(tmp_path)


async def test_the_gateway_answers_others_while_it_reads_a_transcript(api, nc, monkeypatch):
    begun, answered = threading.Event(), threading.Event()

    def reading(data: bytes) -> Transcript:
        begun.set()
        assert answered.wait(30), "nobody was answered"
        return read_transcript(data)

    monkeypatch.setattr("clipmill.artifacts.given_transcripts.read_transcript", reading)
    submitting = asyncio.create_task(accepted(api, nc, form_of(("url", URL), ("transcript", SUBTITLES))))
    assert await asyncio.to_thread(begun.wait, 60)
    assert (await api.get("/health/live")).status == 200
    answered.set()
    assert (await submitting)[1].options.transcript


async def test_cancelling_removes_the_transcript(api, gateway, nc):
    job, _ = await accepted(api, nc, form_of(("url", URL), ("transcript", SUBTITLES)))
    assert (await api.delete(f"/api/jobs/{job}")).status in (200, 202)
    deadline = time.monotonic() + 30
    while await gateway.store.size(layout.given_transcript(job)) is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_vocabularies_of_several_fields_are_one(api, nc):
    form = form_of(("url", URL), ("vocabulary", "Ada, Grace"), ("vocabulary", "Wozniacki"), ("model", "small"))
    _, task = await accepted(api, nc, form)
    assert task.options.vocabulary == ("Ada", "Grace", "Wozniacki")
    assert task.options.model == "small"
