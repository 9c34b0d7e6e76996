"""The real yt-dlp, in its child process, through a real guard, against a server on loopback."""

import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from clipmill.contracts.documents import Chapter
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.contracts.options import JobOptions
from clipmill.downloader.fetch_request import FETCH_TARGET, Fetched, FetchRequest
from clipmill.egress.guard import EgressGuard
from clipmill.operations.child import Limits, run_child

pytestmark = [pytest.mark.media, pytest.mark.slow]

ALLOWED = (ip_network("127.0.0.1/32"),)

Fetch = Callable[..., Awaitable[Fetched]]


def content_of(path: Path | str) -> bytes:
    return Path(path).read_bytes()


@pytest.fixture
async def guard():
    async with EgressGuard(ALLOWED) as guard:
        yield guard


@pytest.fixture
def fetch(guard: EgressGuard, tmp_path: Path) -> Fetch:
    async def run(url: str, *, max_bytes: int = 10**8, seconds: float = 60.0, **options) -> Fetched:
        request = FetchRequest(
            url=url,
            folder=str(tmp_path),
            proxy=guard.url,
            proxy_port=guard.port,
            max_bytes=max_bytes,
            max_duration=600,
            options=options.pop("job", JobOptions()),
            socket_timeout=options.pop("socket_timeout", 10),
            cookies_file=options.pop("cookies_file", None),
        )
        limits = Limits(seconds=seconds, file_bytes=max_bytes)
        return await run_child(FETCH_TARGET, request, Fetched, limits=limits, **options)

    return run


async def test_a_file_is_downloaded_whole_with_progress(fetch: Fetch, media_server, short_video: Path):
    percents: list[float] = []
    media_server.serve_file("/My talk.mp4", short_video)
    fetched = await fetch(media_server.url("/My%20talk.mp4"), on_progress=percents.append)
    assert content_of(fetched.video) == content_of(short_video)
    assert (fetched.title, fetched.size_bytes, fetched.audio) == ("My talk", len(content_of(short_video)), None)
    assert percents[-1] == 100
    assert percents == sorted(percents)


async def test_cookies_are_sent_and_proxies_of_the_environment_are_not_used(
    fetch: Fetch, media_server, short_video, tmp_path, monkeypatch
):
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "*")
    content = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\tsecret\n"
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(content)
    await fetch(media_server.serve_file("/v.mp4", short_video), cookies_file=str(cookies))
    assert media_server.requests[-1].cookies["session"] == "secret"
    assert cookies.read_text() == content


async def test_cookies_that_cannot_be_read_are_a_fault_of_the_setting(
    fetch: Fetch, media_server, short_video, tmp_path
):
    with pytest.raises(Permanent) as caught:
        await fetch(media_server.serve_file("/v.mp4", short_video), cookies_file=str(tmp_path / "none.txt"))
    assert (caught.value.code, caught.value.sentence) == (
        ErrorCode.SOURCE_UNAVAILABLE,
        "The operator's file of cookies cannot be read (No such file or directory); an operator can correct "
        "CLIPMILL_DOWNLOADER_COOKIES_FILE.",
    )


async def test_a_redirect_is_followed_and_a_file_of_unknown_size_arrives(fetch: Fetch, media_server, short_video):
    content = content_of(short_video)

    async def unmeasured(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(content)
        return response

    media_server.pages["/there.mp4"] = unmeasured
    fetched = await fetch(media_server.serve_redirect("/here", "/there.mp4"))
    assert content_of(fetched.video) == content


async def test_a_page_cannot_point_to_a_private_host(fetch: Fetch, media_server, guard):
    url = media_server.serve_html("/page", '<html><video src="http://10.0.0.5/x.mp4"></video></html>')
    with pytest.raises(Permanent):
        await fetch(url)
    assert [refusal.host for refusal in guard.refusals] == ["10.0.0.5"]


async def test_a_crafted_url_does_not_get_around_the_guard(fetch: Fetch, media_server, short_video, guard):
    """yt-dlp passes data to itself in a URL's fragment, and an attacker could name another proxy there."""
    media_server.serve_file("/v.mp4", short_video)
    smuggled = "#__youtubedl_smuggle=%7B%22http_headers%22%3A%7B%22Ytdl-request-proxy%22%3A%22__noproxy__%22%7D%7D"
    html = f'<html><video src="{media_server.url("/v.mp4", "127.0.0.2")}{smuggled}"></video></html>'
    with pytest.raises(Failure):
        await fetch(media_server.serve_html("/page", html))
    assert [request.path for request in media_server.requests] == ["/page"]
    assert guard.refusals


@pytest.fixture
def canary() -> Iterator[int]:
    """Yield a port at which a private server listens, also on 127.0.0.2, and fail if anybody has connected."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.setblocking(False)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n{line}\n#EXTINF:6,\n{segment}\n#EXT-X-ENDLIST\n"
PRIVATE = "http://127.0.0.2:{port}/x"


@pytest.mark.parametrize(
    ("path", "content_type", "text"),
    [
        ("/segment.m3u8", "application/x-mpegurl", HLS.format(line="", segment=PRIVATE)),
        (
            "/key.m3u8",
            "application/x-mpegurl",
            HLS.format(line=f'#EXT-X-KEY:METHOD=AES-128,URI="{PRIVATE}"', segment="/v.mp4"),
        ),
        ("/variant.m3u8", "application/x-mpegurl", f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000\n{PRIVATE}\n"),
        (
            "/base.mpd",
            "application/dash+xml",
            '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period duration="PT6S"><AdaptationSet '
            f'mimeType="video/mp4"><Representation id="v" bandwidth="9000"><BaseURL>{PRIVATE}</BaseURL>'
            "</Representation></AdaptationSet></Period></MPD>",
        ),
        ("/embed.html", "text/html", f'<html><meta property="og:video" content="{PRIVATE}.mp4"></html>'),
    ],
    ids=["segment", "key", "variant", "base", "embed"],
)
async def test_neither_a_playlist_nor_an_embed_leads_to_a_private_host(
    fetch: Fetch, media_server, short_video, guard, canary, tmp_path, path, content_type, text
):
    media_server.serve_file("/v.mp4", short_video)
    (tmp_path / "page").write_text(text.replace("{port}", str(canary)))
    with pytest.raises(Failure):
        await fetch(media_server.serve_file(path, tmp_path / "page", content_type))
    assert {(refusal.host, refusal.port, refusal.kind) for refusal in guard.refusals} == {
        ("127.0.0.2", canary, "loopback")
    }


async def test_the_video_of_a_page_is_found_and_named(fetch: Fetch, media_server, short_video):
    media_server.serve_file("/v.mp4", short_video)
    html = '<html><head><title>A fine talk</title></head><video src="/v.mp4"></video></html>'
    assert (await fetch(media_server.serve_html("/page", html))).title == "A fine talk"


async def test_picture_and_sound_that_come_apart_are_both_downloaded(fetch: Fetch, media_server, make_video, tmp_path):
    picture = make_video(tmp_path / "p.mp4", audio=None, options={"movflags": "frag_keyframe+empty_moov"})
    sound = make_video(tmp_path / "s.m4a", video=False)
    media_server.serve_file("/p.mp4", picture)
    media_server.serve_file("/s.m4a", sound, "audio/mp4")
    mpd = (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT6S" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period duration="PT6S">'
        '<AdaptationSet mimeType="video/mp4"><Representation id="v" codecs="avc1.64001f" width="192" height="108" '
        'bandwidth="9000"><BaseURL>p.mp4</BaseURL></Representation></AdaptationSet>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="a" codecs="mp4a.40.2" bandwidth="9000">'
        "<BaseURL>s.m4a</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )
    (tmp_path / "talk.mpd").write_text(mpd)
    fetched = await fetch(media_server.serve_file("/talk.mpd", tmp_path / "talk.mpd", "application/dash+xml"))
    assert fetched.audio is not None
    assert content_of(fetched.video) == content_of(picture)
    assert content_of(fetched.audio) == content_of(sound)


async def test_a_file_that_says_it_is_too_large_is_refused_at_once(fetch: Fetch, media_server, short_video):
    url = media_server.serve_file("/v.mp4", short_video)
    with pytest.raises(Permanent) as caught:
        await fetch(url, max_bytes=10_000)
    assert caught.value.code is ErrorCode.TOO_LARGE


async def test_a_file_that_does_not_say_how_large_it_is_is_stopped(fetch: Fetch, media_server):
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(100_000):
            await response.write(b"x" * 10_000)
        return response

    media_server.pages["/endless.mp4"] = endless
    with pytest.raises(Permanent) as caught:
        await fetch(media_server.url("/endless.mp4"), max_bytes=2_000_000)
    assert caught.value.code is ErrorCode.TOO_LARGE


async def test_nothing_at_the_url_is_final(fetch: Fetch, media_server):
    with pytest.raises(Permanent) as caught:
        await fetch(media_server.url("/nothing.mp4"))
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert "404" in caught.value.sentence


async def test_a_page_without_a_video_is_unsupported(fetch: Fetch, media_server):
    with pytest.raises(Permanent) as caught:
        await fetch(media_server.serve_html("/page", "<html>words</html>"))
    assert caught.value.code is ErrorCode.UNSUPPORTED_URL


async def test_a_server_in_trouble_is_asked_again_later(fetch: Fetch, media_server):
    async def trouble(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    media_server.pages["/v.mp4"] = trouble
    with pytest.raises(Transient):
        await fetch(media_server.url("/v.mp4"))


async def test_a_page_that_says_that_its_video_is_too_long_is_believed(fetch: Fetch, media_server, short_video):
    url = stating(media_server, short_video, "PT5H")
    with pytest.raises(Permanent) as caught:
        await fetch(url)
    assert caught.value.code is ErrorCode.TOO_LONG


@pytest.mark.parametrize("part", [{"start": 7.0}, {"end": 8.1}, {"start": 2.1}])
async def test_a_video_that_lacks_the_part_that_is_wanted_is_not_downloaded(
    fetch: Fetch, media_server, short_video, part
):
    with pytest.raises(Permanent) as caught:
        await fetch(stating(media_server, short_video, "PT6S"), job=JobOptions(**part))
    assert caught.value.code is ErrorCode.BAD_RANGE
    assert caught.value.sentence.startswith("The video ends after 6.0 s,")
    assert asked_for(media_server, "/v.mp4") == PROBES


@pytest.mark.parametrize("part", [{"start": 1.9}, {"start": 1.0, "end": 8.0}])
async def test_a_site_may_leave_out_the_fraction_of_a_second(fetch: Fetch, media_server, short_video, part):
    fetched = await fetch(stating(media_server, short_video, "PT6S"), job=JobOptions(**part))
    assert content_of(fetched.video) == content_of(short_video)
    assert asked_for(media_server, "/v.mp4") == PROBES + 1


PROBES = 1
"""Requests by which yt-dlp finds out about a file before it downloads it."""


def asked_for(media_server, path: str) -> int:
    return sum(request.path == path for request in media_server.requests)


async def test_the_chapters_of_a_video_arrive(fetch: Fetch, media_server, short_video):
    parts = [
        {"@type": "Clip", "name": "Hello\tthere", "startOffset": 0, "endOffset": 2},
        {"@type": "Clip", "name": "The rest", "startOffset": 2, "endOffset": 1e300},
    ]
    fetched = await fetch(stating(media_server, short_video, "PT6S", hasPart=parts))
    assert fetched.chapters == (
        Chapter(start=0.0, end=2.0, title="Hello there"),
        Chapter(start=2.0, end=600.0, title="The rest"),
    )
    assert fetched.heatmap == ()


def stating(media_server, video: Path, duration: str, **facts) -> str:
    """Serve a page that states a duration and other facts of its video, and return its URL."""
    url = media_server.serve_file("/v.mp4", video)
    data = {"@context": "https://schema.org", "@type": "VideoObject", "duration": duration, "contentUrl": url, **facts}
    page = f'<html><script type="application/ld+json">{json.dumps(data)}</script></html>'
    return media_server.serve_html("/page", page)
