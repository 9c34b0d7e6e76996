"""The gateway over real HTTP, with a real NATS and a real store; the test publishes the events in place of workers."""

import io

import pytest
from aiohttp import FormData
from clipmill.artifacts import layout
from clipmill.contracts import codec
from clipmill.contracts.events import ClipRendered, ClipsPlanned, Failed, Started
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import Background, CaptionStyle, JobOptions, LayoutChoice, OutputFormat
from clipmill.contracts.stages import Stage
from clipmill.gateway.api.forms import TEXT_BYTES
from clipmill.messaging.topology import INTAKE


async def test_a_url_becomes_a_queued_job_with_a_task(api, nc):
    answer = await api.post(
        "/api/process", json={"url": "https://example.com/talk.mp4", "target_clips": 2, "colour": 1}
    )
    body = await answer.json()
    assert (answer.status, body["status"], set(body)) == (200, "queued", {"job_id", "status"})
    status = await (await api.get(f"/api/status/{body['job_id']}")).json()
    assert status == {"status": "queued", "logs": [f"Job {body['job_id']} queued."], "result": None}
    message = await nc.jetstream().get_msg(INTAKE, seq=1, subject=">", next=True)
    task = codec.decode_task(message.data)
    assert (task.url, task.options.target_clips) == ("https://example.com/talk.mp4", 2)
    view = await (await api.get(f"/api/jobs/{body['job_id']}")).json()
    assert view["ignored_options"] == ["colour"]
    assert view["options"]["target_clips"] == 2


async def test_the_look_of_a_clip_reaches_the_task_and_is_echoed(api, nc):
    look = {"captions": "box", "output_format": "square", "layout": "split", "background": "solid", "hook": "on"}
    answer = await api.post("/api/process", json={"url": "https://example.com/talk.mp4", **look})
    task = codec.decode_task((await nc.jetstream().get_msg(INTAKE, seq=1, subject=">", next=True)).data)
    assert task.options == JobOptions(
        captions=CaptionStyle.BOX,
        output_format=OutputFormat.SQUARE,
        layout=LayoutChoice.SPLIT,
        background=Background.SOLID,
        hook=True,
    )
    view = await (await api.get(f"/api/jobs/{(await answer.json())['job_id']}")).json()
    assert {name: view["options"][name] for name in look} == {**look, "hook": True}


async def test_an_upload_is_stored_as_it_was_sent(api, store, nc):
    data = bytes(range(256)) * 8000
    form = FormData()
    form.add_field("target_clips", "1")
    form.add_field("file", io.BytesIO(data), filename="weird näme 🎬 it's.mp4", content_type="video/mp4")
    form.add_field("captions", "off")
    answer = await api.post("/api/process", data=form)
    job = JobId((await answer.json())["job_id"])
    assert await store.get_bytes(layout.upload(job)) == data
    task = codec.decode_task((await nc.jetstream().get_msg(INTAKE, seq=1, subject=">", next=True)).data)
    assert task.url is None
    assert task.file_name == "weird näme 🎬 it's.mp4"
    assert task.options.captions is CaptionStyle.OFF


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_request"),
        ({"url": ""}, "bad_request"),
        ({"url": "ftp://example.com/a"}, "bad_url"),
        ({"url": "https://example.com", "target_clips": 0}, "bad_option"),
        ({"url": "https://example.com", "layout": "wide"}, "bad_option"),
        ({"url": "https://example.com", "webhook_url": "https://example.com"}, "not_yet_supported"),
    ],
)
async def test_a_bad_request_is_a_400_with_a_sentence_and_a_code(api, body, code):
    answer = await api.post("/api/process", json=body)
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (400, code)
    assert problem["detail"].endswith(".")


async def test_a_body_that_is_not_json_is_a_400(api):
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'"url"', b"\xff"):
        answer = await api.post("/api/process", data=body, headers=headers)
        assert answer.status == 400, body


@pytest.mark.parametrize(
    ("content_type", "subject", "remedy"),
    [
        ("text/plain", "The Content-Type is neither JSON nor a form", "JSON with a url, or multipart/form-data"),
        ("multipart/form-data", "The form cannot be read", "complete multipart/form-data with its boundary."),
        (
            "multipart/form-data; boundary=b",
            "The form cannot be read",
            "complete multipart/form-data with its boundary.",
        ),
    ],
)
async def test_a_body_of_another_kind_is_a_400_that_says_what_to_send(api, content_type, subject, remedy):
    answer = await api.post("/api/process", data=b"x", headers={"Content-Type": content_type})
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (400, "bad_request")
    assert problem["detail"].startswith(subject)
    assert remedy in problem["detail"]


@pytest.mark.parametrize("path", ["/api/process", "/api/jobs/550e8400-e29b-41d4-a716-446655440000/clips"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
async def test_a_body_over_the_limit_is_a_413_with_the_limit_and_a_code(api, path, content_type):
    body = io.BytesIO(b"about=" + bytes(TEXT_BYTES))
    answer = await api.post(path, data=body, headers={"Content-Type": content_type})
    sentence = (
        "The body is larger than the 262144 bytes allowed; send a smaller one, or a video as multipart/form-data."
    )
    assert (answer.status, await answer.json()) == (413, {"detail": sentence, "code": "too_large"})
    metrics = await (await api.get("/metrics")).text()
    assert (path != "/api/process") or 'clipmill_submissions_refused_total{code="too_large"}' in metrics


async def test_both_sources_or_an_empty_file_are_a_400_and_leave_nothing(api, tmp_path):
    both, empty = FormData(), FormData()
    both.add_field("url", "https://example.com/a.mp4")
    both.add_field("file", b"abc", filename="a.mp4")
    empty.add_field("file", b"", filename="a.mp4")
    for form in (both, empty):
        answer = await api.post("/api/process", data=form)
        assert answer.status == 400, await answer.text()
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


async def test_an_upload_over_the_limit_is_a_413_and_leaves_nothing(api, max_upload, tmp_path):
    form = FormData()
    form.add_field("file", io.BytesIO(bytes(max_upload + 1)), filename="a.mp4")
    answer = await api.post("/api/process", data=form)
    assert (answer.status, (await answer.json())["code"]) == (413, "too_large")
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


@pytest.mark.parametrize("job", ["550e8400-e29b-41d4-a716-446655440000", "nonsense", "*", "a.b", ">"])
async def test_an_unknown_job_is_the_contracts_404(api, job):
    for path in (f"/api/status/{job}", f"/api/jobs/{job}"):
        answer = await api.get(path)
        assert (answer.status, await answer.json()) == (404, {"detail": "Job not found"})


async def test_a_status_has_exactly_its_three_keys_while_it_grows(api, submit, clip_of, published):
    job = await submit()
    await published(
        Started(job=job), ClipsPlanned(job=job, count=2), ClipRendered(job=job, clip=1, public=clip_of(job, 1))
    )
    status = await (await api.get(f"/api/status/{job}")).json()
    assert set(status) == {"status", "logs", "result"}
    assert status["status"] == "processing"
    assert set(status["result"]) == {"clips", "cost_analysis"}
    assert set(status["result"]["cost_analysis"]) == {"total_cost", "gemini_api_calls", "whisper_duration_seconds"}
    await published(ClipRendered(job=job, clip=2, public=clip_of(job, 2)))
    assert (await (await api.get(f"/api/status/{job}")).json())["status"] == "completed"


async def test_a_poll_that_finds_nothing_new_is_a_304(api, submit, published):
    job = await submit()
    first = await api.get(f"/api/status/{job}")
    again = await api.get(f"/api/status/{job}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    await published(Started(job=job))
    assert (await api.get(f"/api/status/{job}", headers={"If-None-Match": first.headers["ETag"]})).status == 200


async def test_a_lent_key_lives_encrypted_until_the_job_ends(api, secrets, published, nc):
    answer = await api.post(
        "/api/process", json={"url": "https://example.com/a.mp4"}, headers={"X-Gemini-Key": "AIza-lent-key"}
    )
    job = JobId((await answer.json())["job_id"])
    assert await secrets.get(job) == "AIza-lent-key"
    for stream in (INTAKE, "EVENTS", "KV_jobs", "KV_secrets"):
        state = (await nc.jetstream().stream_info(stream)).state
        for sequence in range(state.first_seq, state.last_seq + 1):
            assert b"AIza" not in (await nc.jetstream().get_msg(stream, seq=sequence)).data
    await published(Failed(job=job, stage=Stage.DOWNLOAD, code=ErrorCode.NO_VIDEO, sentence="None."))
    assert await secrets.get(job) is None


async def test_without_nats_the_answer_is_a_503_with_retry_after(api, submit, nats_server):
    job = await submit()
    nats_server.kill()
    for answer in (
        await api.get(f"/api/status/{job}"),
        await api.post("/api/process", json={"url": "https://example.com/a.mp4"}),
    ):
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert (await answer.json())["code"] == "unavailable"


async def test_a_full_intake_is_a_503_and_the_refused_job_ends(api, submit, nc):
    js = nc.jetstream()
    await js.update_stream((await js.stream_info(INTAKE)).config.evolve(max_msgs=1))
    await submit()
    answer = await api.post("/api/process", json={"url": "https://example.com/b.mp4"})
    assert (answer.status, (await answer.json())["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "30"


@pytest.fixture
async def watchable(submit, clip_of, store, published):
    """Return the URL, without its extension, of a clip of 1,000 known bytes."""
    job = await submit()
    await store.put_bytes(layout.clip(job, 1), bytes(range(250)) * 4)
    await store.put_bytes(layout.poster(job, 1), b"jpeg")
    await store.put_bytes(layout.captions(job, 1), b"WEBVTT")
    await store.put_bytes(layout.subtitles(job, 1), b"1")
    await published(
        Started(job=job), ClipsPlanned(job=job, count=1), ClipRendered(job=job, clip=1, public=clip_of(job, 1))
    )
    return f"/videos/{job}/talk_clip_1"


async def test_a_clip_is_served_whole_with_its_type(api, watchable):
    answer = await api.get(f"{watchable}.mp4")
    assert (answer.status, answer.content_type, len(await answer.read())) == (200, "video/mp4", 1000)
    assert answer.headers["Accept-Ranges"] == "bytes"
    head = await api.head(f"{watchable}.mp4")
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, "1000", b"")


@pytest.mark.parametrize(
    ("kind", "content_type", "content"),
    [
        ("jpg", "image/jpeg", b"jpeg"),
        ("vtt", "text/vtt; charset=utf-8", b"WEBVTT"),
        ("srt", "application/x-subrip; charset=utf-8", b"1"),
    ],
)
async def test_the_files_of_a_clip_are_served_beside_it_with_their_types(api, watchable, kind, content_type, content):
    answer = await api.get(f"{watchable}.{kind}")
    assert (answer.status, answer.headers["Content-Type"], await answer.read()) == (200, content_type, content)


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "length"),
    [
        ("bytes=0-99", 206, "bytes 0-99/1000", 100),
        ("bytes=990-", 206, "bytes 990-999/1000", 10),
        ("bytes=-5", 206, "bytes 995-999/1000", 5),
        ("bytes=0-99999", 206, "bytes 0-999/1000", 1000),
        ("bytes=-99999", 206, "bytes 0-999/1000", 1000),
        ("bytes=1000-", 416, "bytes */1000", 0),
        ("bytes=5-2", 200, None, 1000),
        ("bytes=0-1,5-6", 200, None, 1000),
        ("pages=1-2", 200, None, 1000),
    ],
)
async def test_ranges_are_answered_as_http_says(api, watchable, asked, status, content_range, length):
    answer = await api.get(f"{watchable}.mp4", headers={"Range": asked})
    assert (answer.status, answer.headers.get("Content-Range")) == (status, content_range)
    body = await answer.read()
    assert len(body) == length
    if status == 206:
        start = int(content_range.split()[1].split("-")[0])
        assert body == (bytes(range(250)) * 4)[start : start + length]


async def test_what_is_not_published_is_not_served(api, watchable):
    for path in (
        watchable[:-1] + "2.mp4",
        watchable.replace("talk", "other") + ".mp4",
        watchable + ".json",
        "/videos/x/y",
    ):
        answer = await api.get(path)
        sentence = "This video does not exist; its job was removed or cancelled, or the address is wrong."
        assert (answer.status, (await answer.json())["detail"]) == (404, sentence), path


async def test_a_clip_without_one_of_its_files_says_so(api, watchable, tmp_path):
    (tmp_path / "store" / layout.captions(JobId(watchable.split("/")[2]), 1)).unlink()
    answer = await api.get(f"{watchable}.vtt")
    sentence = "This clip has no such file; submit the video again if you need it."
    assert (answer.status, await answer.json()) == (404, {"detail": sentence, "code": "not_found"})
    assert (await api.get(f"{watchable}.mp4")).status == 200


async def test_metrics_count_requests_by_route_not_by_path(api):
    await api.get("/api/status/nonsense")
    text = await (await api.get("/metrics")).text()
    assert 'clipmill_http_requests_total{method="GET",route="/api/status/{job}",status="404"}' in text
    assert "nonsense" not in text
    assert (await api.get("/health/live")).status == 200
    assert (await api.post("/api/status/x")).status == 405
