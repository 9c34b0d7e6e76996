"""Requests as bytes, for Hypothesis: each is nearly right, because what is plainly wrong never leaves the parser.

A request is drawn in layers, and each layer may go wrong by itself: the line, the headers, the framing of the body, and
what the body holds.
"""

import json
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

UNKNOWN = b"550e8400-e29b-41d4-a716-446655440000"
BOUNDARY = b"cut"

raw = st.binary(max_size=40)
text = st.text(max_size=40).map(lambda drawn: drawn.encode(errors="replace"))
line = st.lists(st.one_of(st.integers(32, 126), st.integers(128, 255)), max_size=60).map(bytes)
wild = st.binary(max_size=60).map(lambda drawn: drawn.replace(b"\r", b"").replace(b"\n", b""))
number = st.one_of(
    st.integers(-5, 2000).map(lambda drawn: b"%d" % drawn),
    st.sampled_from([b"nan", b"inf", b"-0", b"1e999", b"0x10", b"1_000", b"\xd9\xa1", b"9" * 5000, b"9" * 20]),
)
value = st.one_of(
    number,
    line,
    st.sampled_from([b"1", b"on", b"vtt", b"completed"]),
    text.map(lambda drawn: quote_from_bytes(drawn).encode()),
    st.just(b""),
)

OPTIONS = (
    "url target_clips clip_min_seconds clip_max_seconds about exclude start end language captions output_format layout "
    "background profanity vocabulary model hook priority file transcript webhook_url colour"
).split()
name = st.one_of(st.sampled_from(OPTIONS), st.text(max_size=20))

json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(["on", "auto"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(name, inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True)
class Raw:
    """A request.

    Attributes:
        data: Bytes to send.
        whole: True if the bytes surely are a whole request, so that an answer must come.
        head: True if the method is HEAD, whose answer has no body.
    """

    data: bytes
    whole: bool
    head: bool


ROUTES = [
    (b"POST", b"/api/process"),
    (b"POST", b"/api/process"),
    (b"POST", b"/api/process"),
    (b"POST", b"/api/jobs/%b/clips"),
    (b"GET", b"/api/status/%b"),
    (b"GET", b"/api/jobs"),
    (b"GET", b"/api/jobs/%b"),
    (b"DELETE", b"/api/jobs/%b" % UNKNOWN),  # the jobs stay, or all further requests would be a 404
    (b"GET", b"/api/jobs/%b/transcript"),
    (b"GET", b"/api/jobs/%b/clips"),
    (b"GET", b"/api/jobs/%b/clips.zip"),
    (b"GET", b"/api/source/%b"),
    (b"GET", b"/api/config"),
    (b"GET", b"/videos/%b/talk_clip_1.mp4"),
    (b"HEAD", b"/videos/%b/talk_clip_1.srt"),
    (b"GET", b"/health/live"),
    (b"GET", b"/metrics"),
    (b"GET", b"//%b"),
    (b"GET", b"/../%b"),
    (b"GET", b"*"),
    (b"GET", b"http://[::1/%b"),
]


def paths(jobs):
    """Return methods and paths of all routes, with existing jobs, unknown ones and what is no id."""
    job = st.one_of(
        st.sampled_from(jobs), st.sampled_from(jobs), st.just(UNKNOWN), text.map(quote_from_bytes).map(str.encode), wild
    )
    known = st.sampled_from(ROUTES)
    route = st.tuples(known, job).map(lambda drawn: (drawn[0][0], drawn[0][1].replace(b"%b", drawn[1])))
    names = st.sampled_from([b"limit", b"before", b"status", b"only", b"format", b"wait", b"query", b"x"])
    pair = st.tuples(names, value).map(b"=".join)
    query = st.lists(pair, max_size=3).map(lambda pairs: b"?" + b"&".join(pairs) if pairs else b"")
    return st.tuples(route, query).map(lambda drawn: (drawn[0][0], drawn[0][1] + drawn[1]))


methods = st.sampled_from(
    [*b"GET POST HEAD OPTIONS PUT PATCH TRACE CONNECT PROPFIND get".split(), b"G\xc3\x89T", b"", b"GET "]
)

headers = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(
                b"Range If-Range If-None-Match If-Match If-Modified-Since Accept Accept-Encoding Idempotency-Key "
                b"X-Gemini-Key Cookie Authorization Last-Event-ID Referer User-Agent X-Forwarded-For".split()
            ),
            st.one_of(value, number.map(lambda drawn: b"bytes=%b-" % drawn), value.map(lambda drawn: b'"%b"' % drawn)),
        ).map(b": ".join),
        st.sampled_from(
            [
                b"Expect: 100-continue",
                b"Expect: cake",
                b"Upgrade: h2c",
                b"Upgrade: websocket",
                b"Content-Encoding: gzip",
                b"Content-Encoding: klingon",
                b"Range: bytes=0-1,3-4",
                b"X: " + b"x" * 9000,
            ]
        ),
        line.map(lambda drawn: b"X: " + drawn),
        wild,
    ),
    max_size=2,
)

types = st.sampled_from(
    [
        b"application/json",
        b"application/json; charset=klingon",
        b"application/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded; charset=utf-16",
        b"application/x-www-form-urlencoded; charset=base64",
        b"application/json",
        b"multipart/form-data; boundary=cut",
        b"multipart/form-data; boundary=cut",
        b"multipart/form-data; boundary=cut",
        b'multipart/form-data; boundary="cut"; charset=klingon',
        b"multipart/form-data; boundary=",
        b"multipart/mixed; boundary=cut",
        b"multipart/form-data",
        b"text/plain",
        b"\xff/\xfe",
    ]
)

documents = st.one_of(json_value, st.dictionaries(name, json_value, max_size=5)).map(
    lambda drawn: json.dumps(drawn).encode()
)
wishes = st.one_of(
    st.integers(-1, 99).map(lambda drawn: b'{"more": %d}' % drawn),
    st.lists(st.integers(-1, 2**70), max_size=4).map(lambda drawn: json.dumps({"numbers": drawn}).encode()),
)
urlencoded = st.lists(st.tuples(st.one_of(name.map(str.encode), raw), value).map(b"=".join), max_size=70).map(b"&".join)

disposition = st.builds(
    lambda field, more: b'Content-Disposition: form-data; name="%b"%b' % (field, more),
    st.one_of(st.sampled_from([option.encode() for option in [*OPTIONS, "_charset_", "file", "file"]]), line),
    st.one_of(
        st.just(b""),
        line.map(lambda drawn: b'; filename="%b"' % drawn),
        line.map(lambda drawn: b"; filename*=%b" % drawn),
        st.just(b"; filename*=klingon''x"),
        st.just(b'; filename="' + b"n" * 9000 + b'"'),
    ),
)
part_headers = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"Content-Type: text/plain; charset=klingon",
                b"Content-Type: multipart/mixed; boundary=in",
                b"Content-Type: multipart/mixed",
                b"Content-Transfer-Encoding: base64",
                b"Content-Transfer-Encoding: klingon",
                b"Content-Encoding: gzip",
                b"Content-Length: 3",
                b"Content-Length: x",
            ]
        ),
        line.map(lambda drawn: b"X: " + drawn),
        wild,
    ),
    max_size=2,
)
parts = st.builds(
    lambda first, more, content: b"\r\n".join([first, *more]) + b"\r\n\r\n" + content,
    st.one_of(disposition, disposition, wild),
    part_headers,
    st.one_of(value, raw, documents, st.just(b"https://example.com/a.mp4")),
)
forms = st.builds(
    lambda drawn, end: b"".join(b"--cut\r\n%b\r\n" % part for part in drawn) + end,
    st.lists(parts, max_size=5),
    st.sampled_from([b"--cut--\r\n", b"--cut--", b"--cut\r\n", b"", b"--other--\r\n"]),
)

bodies = st.one_of(documents, wishes, urlencoded, forms, forms, raw, st.just(b"[" * 20_000))


def _chunked(body, step):
    chunks = [body[place : place + step] for place in range(0, len(body), step)]
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@st.composite
def requests(draw, jobs):
    """Return a request to a gateway with `jobs`, whose ids are bytes."""
    method, path = draw(paths(jobs))
    if draw(st.integers(0, 9)) == 0:
        method = draw(methods)
    lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: localhost", b"Connection: close"]
    extra = draw(headers)
    lines += extra
    body = b""
    framing = "none"
    if method not in (b"GET", b"HEAD") or draw(st.integers(0, 4)) == 0:
        body = draw(bodies)
        framing = draw(st.sampled_from(["length", "length", "length", "length", "chunks", "long", "broken", "wrong"]))
        lines.append(b"Content-Type: " + draw(types))
    if framing in ("length", "long"):
        lines.append(b"Content-Length: %d" % (len(body) + 9 * (framing == "long")))
    elif framing == "wrong":
        lines.append(b"Content-Length: " + draw(value))
    elif framing in ("chunks", "broken"):
        lines.append(b"Transfer-Encoding: chunked")
        body = _chunked(body, draw(st.integers(1, 50))) if framing == "chunks" else body
    data = b"\r\n".join([*lines, b"", body])
    plain = all(header.partition(b":")[0] not in (b"Upgrade", b"Expect") and b":" in header for header in extra)
    return Raw(data, whole=framing in ("none", "length", "chunks") and plain, head=method == b"HEAD")
