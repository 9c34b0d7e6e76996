"""Requests that a client should not send: each gets a status that blames the request, and a sentence."""

import pytest
from clipmill.artifacts import layout
from clipmill.contracts.events import ClipRendered, ClipsPlanned, Started
from exchanges import multipart, request

pytestmark = [  # pytest makes errors of them, and the gateway ignores them
    pytest.mark.filterwarnings(f"ignore::aiohttp.BadContentDisposition{part}") for part in ("Header", "Param")
]

JOB = b"550e8400-e29b-41d4-a716-446655440000"
FORM = b"Content-Type: multipart/form-data; boundary=cut"
JSON = b"Content-Type: application/json"
URLENCODED = b"Content-Type: application/x-www-form-urlencoded"
DEEP = b"[" * 100_000


def field(name, content, *more):
    return b"\r\n".join([b'Content-Disposition: form-data; name="%b"' % name, *more]), content


def file(name, content=b"x"):
    return b'Content-Disposition: form-data; name="file"; filename="%b"' % name, content


HOSTILE = {
    "deep JSON": (b"POST", b"/api/process", [JSON], DEEP, 400),
    "deep JSON in a field": (b"POST", b"/api/process", [JSON], b'{"url": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
    "a deep wish": (b"POST", b"/api/jobs/%b/clips" % JOB, [JSON], DEEP, 400),
    "a deep transcript": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart(field(b"url", b"https://example.com/a"), field(b"transcript", b'{"segments":' + DEEP)),
        400,
    ),
    "a bogus charset of JSON": (b"POST", b"/api/process", [JSON + b"; charset=klingon"], b'{"url": 1}', 400),
    "a bogus charset of a form": (b"POST", b"/api/process", [URLENCODED + b"; charset=klingon"], b"url=1", 400),
    "a charset that is no text": (b"POST", b"/api/process", [URLENCODED + b"; charset=base64"], b"url=1", 400),
    "a form in another charset": (b"POST", b"/api/process", [URLENCODED + b"; charset=utf-16"], b"url", 400),
    "a form that is no text": (b"POST", b"/api/process", [URLENCODED], b"\xff\xfe=1", 400),
    "a bogus charset of a part": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart(field(b"_charset_", b"klingon"), field(b"url", b"x", b"Content-Type: text/plain; charset=klingon")),
        400,
    ),
    "a long charset of a part": (b"POST", b"/api/process", [FORM], multipart(field(b"_charset_", b"x" * 99)), 400),
    "a charset of raw bytes": (b"POST", b"/api/process", [FORM], multipart(field(b"_charset_", b"\xff")), 400),
    "raw bytes in a field's name": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart(field(b"url", b"https://example.com/a"), field(b"\xff\xfe", b"1")),
        400,
    ),
    "raw bytes in a path": (b"GET", b"/api/status/\xff\xfe", [], b"", 400),
    "escaped raw bytes in a path": (b"GET", b"/api/status/%ff%fe", [], b"", 404),
    "escaped raw bytes in a clip's path": (b"GET", b"/videos/%ff/%fe_clip_1.mp4", [], b"", 404),
    "a zero byte in a path": (b"GET", b"/videos/%00/%00_clip_1.mp4", [], b"", 404),
    "raw bytes in a query": (b"GET", b"/api/jobs?status=%ff&before=%fe", [], b"", 400),
    "a file name of 100 kB": (b"POST", b"/api/process", [FORM], multipart(file(b"a" * 100_000)), 400),
    "3,000 part headers": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart(field(b"url", b"1", *[b"X-%d: 1" % number for number in range(3000)])),
        400,
    ),
    "9 MB of names": (b"POST", b"/api/process", [FORM], multipart(field(b"n" * 9_000_000, b"1")), 400),
    "9 MB of JSON names": (b"POST", b"/api/process", [JSON], b'{"%b": 1}' % (b"n" * 9_000_000), 413),
    "a form in a form": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart((b"Content-Type: multipart/mixed; boundary=in", b"--in\r\n\r\nx\r\n--in--")),
        400,
    ),
    "a form in a form without boundary": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart((b"Content-Type: multipart/mixed", b"x")),
        400,
    ),
    "a part without colon": (b"POST", b"/api/process", [FORM], multipart((b"nonsense", b"x")), 400),
    "a part without header": (b"POST", b"/api/process", [FORM], multipart((b"", b"x")), 400),
    "a part whose header ends early": (
        b"POST",
        b"/api/process",
        [FORM],
        multipart((b'Content-Disposition: form-data; name="u', b"x")),
        400,
    ),
    "a part without end": (b"POST", b"/api/process", [FORM], multipart(field(b"url", b"x"))[:-20], 400),
    "a boundary of raw bytes": (
        b"POST",
        b"/api/process",
        [b"Content-Type: multipart/form-data; boundary=\xff\xfe"],
        b"--\xff\xfe--",
        400,
    ),
    "JSON that says it is packed": (b"POST", b"/api/process", [JSON, b"Content-Encoding: gzip"], b"{}", 400),
    "before=nan": (b"GET", b"/api/jobs?before=nan_%b" % JOB, [], b"", 400),
    "before=inf": (b"GET", b"/api/jobs?before=1e999_%b" % JOB, [], b"", 400),
    "no HTTP": (b"\x16\x03\x01", b"/", [], b"", 400),
    "a header without a name": (b"GET", b"/api/jobs", [b": x"], b"", 400),
    "a header of 100 kB": (b"GET", b"/api/jobs", [b"X: " + b"x" * 100_000], b"", 400),
    "a negative length": (b"POST", b"/api/process", [JSON, b"Content-Length: -1"], b"", 400),
    "two lengths": (b"POST", b"/api/process", [JSON, b"Content-Length: 1", b"Content-Length: 2"], b"{", 400),
    "chunks that are none": (b"POST", b"/api/process", [JSON, b"Transfer-Encoding: chunked"], b"zz\r\n", 400),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_request_is_refused_with_a_sentence_and_no_traceback(send, logged, caplog, name):
    method, path, headers, body, status = HOSTILE[name]
    framed = any(header.startswith((b"Content-Length", b"Transfer-Encoding")) for header in headers)
    answer = await send(request(method, path, headers, body, length=not framed))
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.problem["detail"]
    assert not caplog.records
    assert not [entry for entry in logged if entry["log_level"] not in ("info", "debug")]
    assert (await send(request(b"GET", b"/health/live"))).status == 200


async def test_a_range_of_5000_digits_is_the_whole_file_or_beyond_it(send, submit, published, store, clip_of):
    job = await submit()
    await store.put_bytes(layout.clip(job, 1), b"0123456789")
    await published(
        Started(job=job), ClipsPlanned(job=job, count=1), ClipRendered(job=job, clip=1, public=clip_of(job, 1))
    )
    path = f"/videos/{job}/talk_clip_1.mp4".encode()
    for wanted in (b"9" * 5000 + b"-", b"-" + b"9" * 5000, b"0-" + b"9" * 5000):
        answer = await send(request(b"GET", path, [b"Range: bytes=" + wanted]))
        whole = answer.status in (200, 206) and answer.body == b"0123456789"
        assert whole or (answer.status, answer.headers["content-range"]) == (416, "bytes */10"), answer


async def test_a_file_name_of_raw_bytes_is_kept_as_far_as_it_is_text(send, api):
    answer = await send(request(b"POST", b"/api/process", [FORM], multipart(file(b"caf\xe9 %0a\xf0\x9f\x8e\xac.mp4"))))
    assert answer.status == 200, answer
    view = await (await api.get(f"/api/jobs/{answer.problem['job_id']}")).json()
    assert view["source"] == "caf\ufffd  🎬.mp4"


async def test_blanks_and_new_lines_around_a_url_do_not_matter(api, submit):
    job = await submit(url=" \r\nhttps://example.com/a.mp4\t\n")
    assert (await (await api.get(f"/api/jobs/{job}")).json())["source"] == "https://example.com/a.mp4"


@pytest.mark.parametrize("name", [b"video", b""])
async def test_a_file_under_another_name_is_refused_with_the_right_name(send, name):
    part = (b'Content-Disposition: form-data; name="%b"; filename="a.mp4"' % name, b"\xff" * 100_000)
    answer = await send(request(b"POST", b"/api/process", [FORM], multipart(part)))
    assert (answer.status, answer.problem["code"]) == (400, "bad_request")
    assert 'in the field "file"' in answer.problem["detail"]


async def test_an_option_that_a_client_sends_like_a_file_still_counts(send, api):
    parts = (
        field(b"url", b"https://example.com/a"),
        (b'Content-Disposition: form-data; name="target_clips"; filename="target_clips"', b"3"),
        (b'Content-Disposition: form-data; name="logo"; filename=""', b""),
    )
    answer = await send(request(b"POST", b"/api/process", [FORM], multipart(*parts)))
    assert answer.status == 200, answer
    view = await (await api.get(f"/api/jobs/{answer.problem['job_id']}")).json()
    assert view["options"]["target_clips"] == 3


async def test_an_error_of_the_gateway_is_a_500_problem_and_is_logged_and_counted(send, gateway, monkeypatch, logged):
    async def fail(job):
        raise KeyError(job)

    monkeypatch.setattr(gateway.statuses, "document", fail)
    answer = await send(request(b"GET", b"/api/jobs/%b" % JOB))
    assert (answer.status, answer.problem["code"]) == (500, "internal")
    assert answer.problem["detail"].endswith(".")
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == ["request_failed"]
    metrics = (await send(request(b"GET", b"/metrics"))).body.decode()
    assert 'clipmill_http_requests_total{method="GET",route="/api/jobs/{job}",status="500"}' in metrics


async def test_an_answer_that_fails_half_way_ends_without_a_second_head(
    send, gateway, submit, published, clip_of, monkeypatch
):
    job = await submit()
    await gateway.store.put_bytes(layout.clip(job, 1), b"0123456789")
    await published(
        Started(job=job), ClipsPlanned(job=job, count=1), ClipRendered(job=job, clip=1, public=clip_of(job, 1))
    )

    async def broken(*_):
        yield b"01234"
        raise KeyError

    monkeypatch.setattr(gateway.store, "stream", broken)
    answer = await send(request(b"GET", f"/videos/{job}/talk_clip_1.mp4".encode()))
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "10", b"01234")
