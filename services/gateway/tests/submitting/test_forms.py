"""Limits of a request: it is refused as soon as it has too many fields or too much text."""

import asyncio
import time

import pytest
from aiohttp import FormData
from clipmill.contracts import codec
from clipmill.gateway.api.forms import FIELD_BYTES, FIELDS_LIMIT, NAME_LETTERS, TEXT_BYTES
from clipmill.gateway.api.submissions import CHUNK_BYTES
from clipmill.messaging.topology import INTAKE

URL = "https://example.com/talk.mp4"
FLOOD_PARTS = 400
"""Parts of `FIELD_BYTES`, 26 MB together."""


def part(value: bytes = b"", name: str = "vocabulary") -> bytes:
    """Return a part of a form as it is sent; one without a name if `name` is empty."""
    named = f'; name="{name}"' if name else ""
    return f"--b\r\nContent-Disposition: form-data{named}\r\n\r\n".encode() + value + b"\r\n"


MORE = part(bytes(2 * CHUNK_BYTES), "more")
"""The next part, of which the gateway may have to read a chunk to know that the one before has ended."""


async def answered(api, sent: bytes, announced: int) -> tuple[int, str]:
    """Send the beginning of a form over a socket, wait for the answer without sending more, and return it.

    Returns:
        Status and body of the answer.
    """
    reader, writer = await asyncio.open_connection(api.server.host, api.server.port)
    head = (
        "POST /api/process HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {announced}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(30):
            writer.write(head.encode() + sent)
            await writer.drain()
            status = int((await reader.readline()).split()[1])
            headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(headers.split("content-length: ")[1].split()[0])
            return status, (await reader.readexactly(length)).decode()
    finally:
        writer.close()


@pytest.mark.parametrize("name", ["vocabulary", "about", "colour", ""])
async def test_a_form_with_too_much_text_is_refused_before_the_rest_of_it_arrives(api, name):
    parts = TEXT_BYTES // FIELD_BYTES + 1
    status, body = await answered(api, part(bytes(FIELD_BYTES), name) * parts + MORE, 2**30)
    assert status == 413
    assert '"code":"too_large"' in body
    assert f"The fields of the form are larger than the {TEXT_BYTES} bytes allowed for all together" in body


@pytest.mark.parametrize("name", ["vocabulary", "colour", "transcript", ""])
async def test_a_form_with_too_many_fields_is_refused_before_the_rest_of_it_arrives(api, name):
    status, body = await answered(api, part(name=name) * (FIELDS_LIMIT + 1) + MORE, 2**30)
    assert status == 400
    assert '"code":"bad_request"' in body
    assert f"The request has more than {FIELDS_LIMIT} fields; send each option once." in body


async def test_a_flood_of_text_costs_next_to_nothing(api):
    """Joining and checking all of it took 10 s of processor time; what a client may send takes 0.1 s."""
    flood = part(b"a," * (FIELD_BYTES // 2)) * FLOOD_PARTS
    began = time.process_time()
    status, _ = await answered(api, flood, len(flood))
    assert status == 413
    assert time.process_time() - began < 3


async def test_names_of_fields_count_as_text(api):
    name = "n" * 5000
    status, body = await answered(api, part(name=name) * (TEXT_BYTES // len(name) + 1) + MORE, 2**30)
    assert (status, '"code":"too_large"' in body) == (413, True)


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {f"colour{number}": None for number in range(FIELDS_LIMIT)} | {"url": URL}},
        {"data": b"&".join(b"colour=" for _ in range(FIELDS_LIMIT)) + b"&url=x"},
    ],
)
async def test_other_requests_with_too_many_fields_are_refused_with_the_same_code(api, sent):
    headers = {} if "json" in sent else {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.post("/api/process", headers=headers, **sent)
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (400, "bad_request")
    assert problem["detail"] == f"The request has more than {FIELDS_LIMIT} fields; send each option once."


async def test_as_many_fields_and_as_much_text_as_allowed_are_accepted(api, nc):
    form = FormData(default_to_multipart=True)
    form.add_field("url", URL)
    form.add_field("vocabulary", "Ada" + " " * (FIELD_BYTES - 3))
    for number in range(FIELDS_LIMIT - 3):
        form.add_field("vocabulary", f"Grace {number % 40}")
    form.add_field("vocabulary", "Wozniacki")
    answer = await api.post("/api/process", data=form)
    assert answer.status == 200, await answer.text()
    task = codec.decode_task((await nc.jetstream().get_msg(INTAKE, seq=1, subject=">", next=True)).data)
    assert task.options.vocabulary == ("Ada", *(f"Grace {number}" for number in range(40)), "Wozniacki")


async def test_the_long_name_of_an_unknown_field_is_cut(api):
    answer = await api.post("/api/process", json={"url": URL, "colour" * 1000: 1})
    view = await (await api.get(f"/api/jobs/{(await answer.json())['job_id']}")).json()
    assert view["ignored_options"] == [("colour" * 1000)[:NAME_LETTERS]]


@pytest.mark.parametrize(
    "sent",
    [
        part(b"x" * 40, "_charset_"),
        b"--b\r\n" + b"X-Header: 1\r\n" * 10_000,
        b"--b\r\nX-Header: " + b"x" * 100_000 + b"\r\n",
    ],
)
async def test_a_form_with_unreadable_parts_is_a_400(api, sent):
    status, body = await answered(api, sent + part(), len(sent + part()))
    assert (status, '"code":"bad_request"' in body) == (400, True)
    assert "The form cannot be read" in body


@pytest.mark.parametrize(("charset", "data"), [("nonsense", b"url=x"), ("utf-8", b"url=\xff")])
async def test_a_form_in_an_unknown_encoding_is_a_400(api, charset, data):
    headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    answer = await api.post("/api/process", data=data, headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")
