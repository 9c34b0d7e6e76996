import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import MissingArtifact, Store, open_store
from clipmill.contracts.documents import MediaFacts, Origin
from clipmill.contracts.events import Log, StageFinished, StageStarted, Started
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import Priority, new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import DownloadTask, ScenesTask, TranscribeTask
from clipmill.downloader.handler import DownloadHandler
from clipmill.downloader.prepare_request import PREPARE_TARGET
from clipmill.downloader.settings import DownloaderSettings
from clipmill.operations.settings import Secret, SettingsError, load_settings
from prometheus_client import REGISTRY

pytestmark = [pytest.mark.media, pytest.mark.slow]

MakeHandler = Callable[..., DownloadHandler]


@pytest.fixture
def store() -> Store:
    return open_store("memory://")


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def make_handler(store: Store, work_dir: Path) -> MakeHandler:
    def make(**settings) -> DownloadHandler:
        settings = {"allowed_networks": ("127.0.0.1/32",), "work_dir": work_dir, **settings}
        return DownloadHandler(store, DownloaderSettings(**settings))

    return make


@pytest.fixture
def unknown_host(monkeypatch):
    """Return a function that makes every lookup of `missing.example` in this process fail with an error."""

    def fail(error: Exception) -> None:
        loop = asyncio.get_running_loop()
        resolve = loop.getaddrinfo

        async def getaddrinfo(host, *arguments, **options):
            if host == "missing.example":
                raise error
            return await resolve(host, *arguments, **options)

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)

    return fail


async def upload(store: Store, path: Path, file_name: str = "talk.mp4") -> DownloadTask:
    task = DownloadTask(job=new_job_id(), file_name=file_name)
    await store.put_file(layout.upload(task.job), path)
    return task


async def facts_of(store: Store, task: DownloadTask) -> MediaFacts:
    facts = await load(store, layout.media(task.job), MediaFacts)
    assert facts is not None
    return facts


async def test_an_upload_becomes_a_source_and_the_next_stages_are_asked_for(store, make_handler, context, short_video):
    task = DownloadTask(
        job=new_job_id(),
        file_name="weird näme 🎬 it's.mp4",
        options=JobOptions(target_clips=2),
        priority=Priority.HIGH,
        generation=3,
    )
    await store.put_file(layout.upload(task.job), short_video)
    await make_handler()(task, context)
    facts = await facts_of(store, task)
    assert (facts.stem, facts.title) == ("weird_name_its", "weird näme 🎬 it's")
    assert (facts.origin, facts.container) == (Origin.UPLOAD, "mp4")
    assert facts.size_bytes == await store.size(layout.source(task.job))
    started, stage_started, finished = context.events
    assert isinstance(started, Started)
    assert stage_started == StageStarted(job=task.job, stage=Stage.DOWNLOAD, line="Receiving upload...")
    assert isinstance(finished, StageFinished)
    assert finished.seconds > 0
    shared = {"job": task.job, "options": task.options, "priority": Priority.HIGH, "generation": 3}
    assert context.tasks == [TranscribeTask(**shared), ScenesTask(**shared)]


async def test_a_url_becomes_a_source(store, make_handler, context, media_server, short_video, work_dir):
    counted = {"origin": "url"}
    before = REGISTRY.get_sample_value("clipmill_downloaded_bytes_total", counted) or 0
    task = DownloadTask(job=new_job_id(), url=media_server.serve_file("/talk.mp4", short_video))
    await make_handler()(task, context)
    facts = await facts_of(store, task)
    assert (facts.stem, facts.origin) == ("talk", Origin.URL)
    assert context.events[1].line == "Downloading video..."
    assert context.percents == sorted(context.percents)
    after = REGISTRY.get_sample_value("clipmill_downloaded_bytes_total", counted)
    assert after - before == len(short_video.read_bytes())
    assert list(work_dir.iterdir()) == []


async def test_a_redelivered_task_skips_the_work_and_says_the_same(store, make_handler, context, short_video):
    task = await upload(store, short_video)
    await make_handler()(task, context)
    first, tasks = await facts_of(store, task), list(context.tasks)
    await store.delete_prefix(layout.upload(task.job))
    context.events.clear()
    context.tasks.clear()
    await make_handler()(task, context)
    assert [event.key for event in context.events] == ["stage_finished.download"]
    assert context.tasks == tasks
    assert await facts_of(store, task) == first


@pytest.mark.parametrize(
    ("part", "number"), [({"start": 30.0}, "30"), ({"start": 0.5, "end": 60.0}, "60"), ({"start": 2.0}, "2")]
)
async def test_a_part_that_the_video_lacks_ends_the_job_before_anything_is_stored(
    store, make_handler, context, short_video, part, number
):
    task = DownloadTask(job=new_job_id(), file_name="talk.mp4", options=JobOptions(**part))
    await store.put_file(layout.upload(task.job), short_video)
    with pytest.raises(Permanent) as caught:
        await make_handler()(task, context)
    assert caught.value.code is ErrorCode.BAD_RANGE
    assert caught.value.sentence.startswith("The video ends after 6.0 s,")
    assert f"{number} s" in caught.value.sentence
    assert (await store.size(layout.source(task.job)), await store.size(layout.media(task.job))) == (None, None)
    assert context.tasks == []


async def test_a_part_of_a_video_is_a_matter_of_the_stages_after(store, make_handler, context, short_video):
    task = DownloadTask(job=new_job_id(), file_name="talk.mp4", options=JobOptions(start=0.5, end=6.5))
    await store.put_file(layout.upload(task.job), short_video)
    await make_handler()(task, context)
    assert (await facts_of(store, task)).duration == pytest.approx(6, abs=0.05)
    assert [each.options for each in context.tasks] == [task.options, task.options]


async def test_a_source_whose_worker_died_before_describing_it_is_kept(
    store, make_handler, context, make_video, short_video, tmp_path
):
    task = await upload(store, short_video)
    other = make_video(tmp_path / "other.mp4", seconds=8)
    await store.put_file(layout.source(task.job), other)
    await make_handler()(task, context)
    facts = await facts_of(store, task)
    assert facts.duration == pytest.approx(8, abs=0.05)
    assert facts.size_bytes == len(other.read_bytes())
    assert await store.get_bytes(layout.source(task.job)) == other.read_bytes()


async def test_two_workers_at_once_leave_one_source(store, make_handler, context, short_video):
    task = await upload(store, short_video)
    await asyncio.gather(make_handler()(task, context), make_handler()(task, context))
    assert (await facts_of(store, task)).size_bytes == await store.size(layout.source(task.job))
    assert len({event.key for event in context.events}) == 3


async def test_a_private_address_is_refused_by_default_with_what_to_do(store, make_handler, context, media_server):
    task = DownloadTask(job=new_job_id(), url=media_server.url("/v.mp4"))
    with pytest.raises(Permanent) as caught:
        await make_handler(allowed_networks=())(task, context)
    assert caught.value.code is ErrorCode.BLOCKED_ADDRESS
    assert "CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS" in caught.value.sentence
    assert await store.size(layout.media(task.job)) is None
    assert media_server.requests == []


async def test_a_redirect_to_a_private_address_fails_for_the_address(make_handler, context, media_server):
    url = media_server.serve_redirect("/v.mp4", media_server.url("/w.mp4", "127.0.0.2"))
    with pytest.raises(Permanent) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url=url), context)
    assert caught.value.code is ErrorCode.BLOCKED_ADDRESS
    assert "127.0.0.2" in caught.value.sentence


async def test_a_port_that_is_not_allowed_is_named_with_those_that_are(make_handler, context):
    with pytest.raises(Permanent) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url="http://8.8.8.8:22/v.mp4"), context)
    assert caught.value.code is ErrorCode.BLOCKED_ADDRESS
    assert caught.value.sentence == (
        "The video was not downloaded because port 22 of 8.8.8.8 is not allowed; "
        "use a URL with port 80, 443, or 1024 or higher."
    )


async def test_a_host_that_does_not_exist_is_a_wrong_url(make_handler, context, unknown_host):
    unknown_host(socket.gaierror(socket.EAI_NONAME, "no such name"))
    with pytest.raises(Permanent) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url="http://missing.example/v.mp4"), context)
    assert caught.value.sentence == "The host missing.example does not exist; check the URL."


async def test_a_host_that_cannot_be_looked_up_may_be_later(make_handler, context, unknown_host):
    unknown_host(socket.gaierror(socket.EAI_AGAIN, "ask again"))
    with pytest.raises(Transient) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url="http://missing.example/v.mp4"), context)
    sentence = "The host missing.example could not be looked up; check the URL, or try again later."
    assert caught.value.sentence == sentence


async def test_a_host_that_does_not_answer_may_later(make_handler, context, media_server):
    await media_server.stop()
    with pytest.raises(Transient) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url="http://127.0.0.1:9/v.mp4"), context)
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert "127.0.0.1" in caught.value.sentence


async def test_a_slow_download_ends_with_the_setting_that_ended_it(make_handler, context, media_server):
    async def silent(_):
        await asyncio.Event().wait()

    media_server.pages["/v.mp4"] = silent
    with pytest.raises(Transient) as caught:
        await make_handler(fetch_timeout_seconds=4)(
            DownloadTask(job=new_job_id(), url=media_server.url("/v.mp4")), context
        )
    assert caught.value.code is ErrorCode.TIMED_OUT
    assert "CLIPMILL_DOWNLOADER_FETCH_TIMEOUT_SECONDS" in caught.value.sentence


async def test_a_cancelled_download_leaves_nothing_behind(make_handler, context, media_server, work_dir):
    asked = asyncio.Event()

    async def silent(_):
        asked.set()
        await asyncio.Event().wait()

    media_server.pages["/v.mp4"] = silent
    task = DownloadTask(job=new_job_id(), url=media_server.url("/v.mp4"))
    working = asyncio.create_task(make_handler()(task, context))
    await asked.wait()
    assert list(work_dir.iterdir())
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert list(work_dir.iterdir()) == []
    assert context.tasks == []


async def test_a_broken_upload_fails_for_good_and_leaves_nothing_behind(
    store, make_handler, context, tmp_path, work_dir
):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all" * 1000)
    task = await upload(store, broken)
    with pytest.raises(Permanent) as caught:
        await make_handler()(task, context)
    assert caught.value.code is ErrorCode.UNREADABLE_MEDIA
    assert list(work_dir.iterdir()) == []
    assert await store.size(layout.source(task.job)) is None


@pytest.mark.parametrize(("attempt", "kind"), [(1, Transient), (2, Permanent)])
async def test_a_decoder_that_dies_is_tried_once_more(store, make_handler, context, short_video, attempt, kind):
    context.attempt = attempt
    task = await upload(store, short_video)
    working = asyncio.create_task(make_handler()(task, context))
    target = PREPARE_TARGET
    while not working.done():
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if target in process.cmdline():
                    process.kill()
        await asyncio.sleep(0)
    with pytest.raises(kind) as caught:
        await working
    assert caught.value.code is (ErrorCode.WORKER_CRASHED if kind is Transient else ErrorCode.UNREADABLE_MEDIA)


async def test_a_video_that_grows_when_it_is_repacked_should_be_converted(
    store, make_handler, context, short_video, monkeypatch
):
    monkeypatch.setattr("clipmill.downloader.handler.OVERHEAD_BYTES", -short_video.stat().st_size)
    with pytest.raises(Permanent) as caught:
        await make_handler()(await upload(store, short_video), context)
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert caught.value.sentence.startswith("The video becomes much larger when it is repacked")
    assert caught.value.sentence.endswith("; convert it to MP4 with H.264, and submit it again.")


async def test_an_upload_that_has_expired_is_missing(make_handler, context):
    with pytest.raises(MissingArtifact):
        await make_handler()(DownloadTask(job=new_job_id(), file_name="x.mp4"), context)


async def test_of_several_videos_at_a_url_the_log_says_which_is_taken(make_handler, context, media_server, short_video):
    media_server.serve_file("/a.mp4", short_video)
    media_server.serve_file("/b.mp4", short_video)
    url = media_server.serve_html("/p", '<video src="/a.mp4"></video><video src="/b.mp4"></video>')
    await make_handler()(DownloadTask(job=new_job_id(), url=url), context)
    lines = [event.line for event in context.events if isinstance(event, Log)]
    assert lines == ["There are 2 videos at this URL; the first one is taken."]


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Yield the URL of a proxy, and a list whose only element is its answer to every request."""
    answer = [b""]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer[0])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://user:s3cret@127.0.0.1:{server.sockets[0].getsockname()[1]}", answer
    server.close()


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (
            b"HTTP/1.1 407 No\r\n\r\n",
            Permanent,
            "The operator's proxy refuses its user and password (HTTP 407); an operator can correct "
            "CLIPMILL_DOWNLOADER_UPSTREAM_PROXY.",
        ),
        (
            b"SSH-2.0\r\n\r\n",
            Transient,
            "The operator's proxy does not answer in valid HTTP; try again later, or ask the operator to check "
            "CLIPMILL_DOWNLOADER_UPSTREAM_PROXY.",
        ),
    ],
)
async def test_a_proxy_that_fails_is_blamed_and_not_the_site(make_handler, context, proxy, answer, kind, sentence):
    url, answers = proxy
    answers[0] = answer
    with pytest.raises(kind) as caught:
        await make_handler(upstream_proxy=Secret(url))(
            DownloadTask(job=new_job_id(), url="http://127.0.0.1:9000/v.mp4"), context
        )
    assert (caught.value.code, caught.value.sentence) == (ErrorCode.SOURCE_UNAVAILABLE, sentence)


async def test_a_proxy_that_is_down_is_blamed_without_its_address(make_handler, context):
    with pytest.raises(Transient) as caught:
        await make_handler(upstream_proxy=Secret("http://127.0.0.1:9"))(
            DownloadTask(job=new_job_id(), url="http://127.0.0.1:9000/v.mp4"), context
        )
    assert caught.value.sentence == (
        "The operator's proxy cannot be reached; try again later, or ask the operator to check "
        "CLIPMILL_DOWNLOADER_UPSTREAM_PROXY."
    )


async def test_a_server_that_does_not_speak_http_is_named(make_handler, context, proxy):
    url, answers = proxy
    answers[0] = b"220 mail.example ESMTP\r\n"
    with pytest.raises(Transient) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url=url.replace("user:s3cret@", "") + "/v.mp4"), context)
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert caught.value.sentence == (
        "The host 127.0.0.1 does not answer in valid HTTP; check the URL, or try again later."
    )


async def test_a_private_address_of_version_6_is_named_with_brackets(make_handler, context):
    with pytest.raises(Permanent) as caught:
        await make_handler()(DownloadTask(job=new_job_id(), url="http://[fd00::1]:8080/v.mp4"), context)
    assert "because [fd00::1]:8080 is not a public address (private)" in caught.value.sentence


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS", "10.0.0.0/8, intranet"),
        ("CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("CLIPMILL_DOWNLOADER_UPSTREAM_PROXY", "socks5://user:secret@proxy:1080"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_before_any_work(store, variable, value):
    settings = load_settings(DownloaderSettings, "downloader", {variable: value})
    with pytest.raises(SettingsError, match=variable) as caught:
        DownloadHandler(store, settings)
    assert "secret" not in str(caught.value)
