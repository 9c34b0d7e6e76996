"""The download task: fetch a video, make a source of it, store it, and submit the tasks for transcript and scenes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipmill.artifacts import layout
from clipmill.artifacts.documents import load, save_once
from clipmill.artifacts.store import Store
from clipmill.contracts import log_lines
from clipmill.contracts.documents import Chapter, HeatPoint, MediaFacts, Origin
from clipmill.contracts.events import Log, StageFinished, StageStarted, Started
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import CLIP_SECONDS_FLOOR
from clipmill.contracts.source_range import used_range
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import DownloadTask, ScenesTask, TranscribeTask
from clipmill.downloader.fetch_request import FETCH_TARGET, Fetched, FetchRequest
from clipmill.downloader.markers import chapters_within, heat_within
from clipmill.downloader.naming import file_title, origin_of, stem_of, title_of, url_title
from clipmill.downloader.prepare_request import PREPARE_TARGET, Prepared, PrepareRequest
from clipmill.downloader.settings import DownloaderSettings
from clipmill.egress.admission import FIRST_FREE_PORT, WEB_PORTS, Refusal
from clipmill.egress.guard import EgressGuard
from clipmill.egress.heads import authority
from clipmill.egress.upstream import ProxyFailure
from clipmill.messaging.context import TaskContext
from clipmill.operations.child import Limits, run_child
from clipmill.operations.scratch_dir import scratch_dir
from prometheus_client import Counter

SCRATCH_PREFIX = "clipmill-download-"

FETCHED_PERCENT = 90
"""Progress of the stage when the video is on the local disk."""

PREPARED_PERCENT = 99

OVERHEAD_BYTES = 64 * 2**20
"""Bytes that a source may have beyond 1.25 times the size of its files: indexes and interleaving need far less."""

MAX_CRASHES = 2
"""Attempt at which a crash is blamed on the media: anything may kill a process once, bad media do it every time."""

DOWNLOADED_BYTES = Counter(
    "clipmill_downloaded_bytes", "Bytes of downloaded and uploaded videos, by origin.", ["origin"]
)


@dataclass(frozen=True)
class LocalVideo:
    """A video on the local disk.

    Attributes:
        title: Title of the video.
        video: File with the picture.
        audio: File with the sound, None if `video` has it.
        size_bytes: Size of all files, in bytes.
        heatmap: Curve of replays at its site; empty if there is none.
        chapters: Chapters; empty if there are none.
    """

    title: str
    video: Path
    audio: Path | None
    size_bytes: int
    heatmap: tuple[HeatPoint, ...] = ()
    chapters: tuple[Chapter, ...] = ()


class DownloadHandler:
    """The handler of `DownloadTask`.

    Args:
        store: Store of the uploads and the source.
        settings: Settings of the downloader.

    Raises:
        SettingsError: if a network or the upstream proxy is malformed.
    """

    def __init__(self, store: Store, settings: DownloaderSettings) -> None:
        self._store = store
        self._settings = settings
        self._exempt = settings.networks()
        self._upstream = settings.upstream()
        for origin in Origin:
            DOWNLOADED_BYTES.labels(origin=origin)

    async def __call__(self, task: DownloadTask, context: TaskContext) -> None:
        """Do one task; doing it a second time changes nothing."""
        began = time.monotonic()
        seconds = 0.0
        if await load(self._store, layout.media(task.job), MediaFacts) is None:
            origin = origin_of(task.url)
            await context.emit(Started(job=task.job))
            await context.emit(StageStarted(job=task.job, stage=Stage.DOWNLOAD, line=log_lines.DOWNLOADING[origin]))
            async with scratch_dir(SCRATCH_PREFIX, self._settings.work_dir) as folder:
                facts = await self._make_source(task, origin, folder, context)
            await save_once(self._store, layout.media(task.job), facts)
            seconds = time.monotonic() - began
        await context.emit(StageFinished(job=task.job, stage=Stage.DOWNLOAD, seconds=seconds))
        for kind in (TranscribeTask, ScenesTask):
            await context.submit(
                kind(job=task.job, options=task.options, priority=task.priority, generation=task.generation)
            )

    async def _make_source(self, task: DownloadTask, origin: Origin, folder: Path, context: TaskContext) -> MediaFacts:
        """Store the source, unless it is stored already, and return the facts of the stored one.

        Raises:
            Permanent: with `bad_range` if the source lacks the part that the job uses.
        """
        if task.url is None:
            arrival = await self._take_upload(task, folder)
        else:
            arrival = await self._download(task, task.url, folder, context)
        DOWNLOADED_BYTES.labels(origin=origin).inc(arrival.size_bytes)
        context.progress(FETCHED_PERCENT)
        output = folder / "source"
        prepared = await self._prepare(arrival, output, context)
        used_range(task.options, prepared.duration)  # refuses a part that does not exist before anything is stored
        if not await self._store.put_file(layout.source(task.job), output, create=True):
            prepared = await self._describe_stored(task.job, folder)
        return MediaFacts(
            stem=stem_of(arrival.title),
            title=arrival.title,
            container=prepared.container,
            duration=prepared.duration,
            size_bytes=prepared.size_bytes,
            origin=origin,
            video=prepared.video,
            audio=prepared.audio,
            heatmap=heat_within(arrival.heatmap, prepared.duration),
            chapters=chapters_within(arrival.chapters, prepared.duration),
        )

    async def _take_upload(self, task: DownloadTask, folder: Path) -> LocalVideo:
        path = folder / "upload"
        await self._store.get_file(layout.upload(task.job), path)
        return LocalVideo(file_title(task.file_name or ""), path, None, path.stat().st_size)

    async def _download(self, task: DownloadTask, url: str, folder: Path, context: TaskContext) -> LocalVideo:
        settings = self._settings
        async with EgressGuard(self._exempt, self._upstream) as guard:
            request = FetchRequest(
                url=url,
                folder=str(folder),
                proxy=guard.url,
                proxy_port=guard.port,
                max_bytes=settings.max_bytes,
                max_duration=settings.max_duration_seconds,
                options=task.options,
                socket_timeout=settings.socket_timeout_seconds,
                cookies_file=None if settings.cookies_file is None else str(settings.cookies_file),
            )
            limits = Limits(
                seconds=settings.fetch_timeout_seconds,
                resident_bytes=settings.fetch_memory_bytes,
                file_bytes=settings.max_bytes,
            )
            with _explained_by(guard, settings):
                fetched = await run_child(
                    FETCH_TARGET,
                    request,
                    Fetched,
                    limits=limits,
                    on_progress=lambda percent: context.progress(percent * FETCHED_PERCENT / 100),
                )
        if fetched.videos_found > 1:
            line = f"There are {fetched.videos_found} videos at this URL; the first one is taken."
            await context.emit(Log(job=task.job, name="videos_found", line=line))
        audio = None if fetched.audio is None else Path(fetched.audio)
        title = title_of(fetched.title) or url_title(url)
        return LocalVideo(title, Path(fetched.video), audio, fetched.size_bytes, fetched.heatmap, fetched.chapters)

    async def _prepare(self, arrival: LocalVideo, output: Path, context: TaskContext | None) -> Prepared:
        settings = self._settings
        request = PrepareRequest(
            video=str(arrival.video),
            audio=None if arrival.audio is None else str(arrival.audio),
            output=str(output),
            min_duration=CLIP_SECONDS_FLOOR,
            max_duration=settings.max_duration_seconds,
        )
        limits = Limits(
            seconds=settings.prepare_timeout_seconds,
            resident_bytes=settings.prepare_memory_bytes,
            file_bytes=arrival.size_bytes + arrival.size_bytes // 4 + OVERHEAD_BYTES,
        )

        def progressed(percent: float) -> None:
            if context is not None:
                context.progress(FETCHED_PERCENT + percent * (PREPARED_PERCENT - FETCHED_PERCENT) / 100)

        try:
            return await run_child(PREPARE_TARGET, request, Prepared, limits=limits, on_progress=progressed)
        except Permanent as failure:
            if failure.code == ErrorCode.TOO_LARGE:
                # The limit follows from the size of the file, so no setting would help.
                raise Permanent(
                    ErrorCode.TOO_LARGE,
                    "The video becomes much larger when it is repacked, which means that it is damaged or unusual; "
                    "convert it to MP4 with H.264, and submit it again.",
                ) from failure
            raise
        except Transient as failure:
            if failure.code == ErrorCode.WORKER_CRASHED and context is not None and context.attempt >= MAX_CRASHES:
                # The media crash the decoder every time; the log has the last output of the child.
                raise Permanent(
                    ErrorCode.UNREADABLE_MEDIA,
                    "The video crashes the decoder; convert it, for example to MP4, and submit it again.",
                ) from failure
            raise

    async def _describe_stored(self, job: JobId, folder: Path) -> Prepared:
        """Return the facts of a source that another worker stored before it died.

        A stored source is never replaced, because another stage may be reading it.
        """
        stored = folder / "stored"
        await self._store.get_file(layout.source(job), stored)
        size = stored.stat().st_size
        prepared = await self._prepare(LocalVideo("", stored, None, size), folder / "repacked", None)
        return Prepared(
            container=prepared.container,
            duration=prepared.duration,
            size_bytes=size,
            video=prepared.video,
            audio=prepared.audio,
        )


@contextmanager
def _explained_by(guard: EgressGuard, settings: DownloaderSettings) -> Iterator[None]:
    """Raise a failed download as the guard explains it, because yt-dlp knows only that its proxy refused."""
    try:
        yield
    except Failure as failure:
        if guard.refusals:
            raise _blocked(guard.refusals[0]) from failure
        if failure.code == ErrorCode.TIMED_OUT:
            raise Transient(
                ErrorCode.TIMED_OUT,
                f"The download did not finish within {settings.fetch_timeout_seconds:g} seconds; "
                "an operator can raise CLIPMILL_DOWNLOADER_FETCH_TIMEOUT_SECONDS.",
            ) from failure
        unexplained = failure.code in (ErrorCode.SOURCE_UNAVAILABLE, ErrorCode.DOWNLOAD_FAILED)
        if guard.proxy_failures and unexplained:
            raise _without_proxy(guard.proxy_failures[-1]) from failure
        if guard.unreachable and unexplained:
            host = guard.unreachable[-1]
            problem = f"The host {host.host} {host.reason}"
            if not host.exists:
                raise Permanent(ErrorCode.SOURCE_UNAVAILABLE, f"{problem}; check the URL.") from failure
            raise Transient(ErrorCode.SOURCE_UNAVAILABLE, f"{problem}; check the URL, or try again later.") from failure
        raise


def _without_proxy(failure: ProxyFailure) -> Failure:
    """Return the failure of a download whose site was not reached because the operator's proxy failed."""
    problem, setting = f"The operator's proxy {failure.reason}", "CLIPMILL_DOWNLOADER_UPSTREAM_PROXY"
    if failure.credential:
        return Permanent(ErrorCode.SOURCE_UNAVAILABLE, f"{problem}; an operator can correct {setting}.")
    sentence = f"{problem}; try again later, or ask the operator to check {setting}."
    return Transient(ErrorCode.SOURCE_UNAVAILABLE, sentence)


def _blocked(refusal: Refusal) -> Permanent:
    """Return the failure of a download that the guard refused; a wrong port and a private address differ in remedy."""
    if refusal.kind == "port":
        sentence = (
            f"The video was not downloaded because port {refusal.port} of {refusal.host} is not allowed; "
            f"use a URL with port {', '.join(map(str, WEB_PORTS))}, or {FIRST_FREE_PORT} or higher."
        )
    else:
        sentence = (
            f"The video was not downloaded because {authority(refusal.host, refusal.port)} is not a public address "
            f"({refusal.kind}); an operator can allow its network with CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS."
        )
    return Permanent(ErrorCode.BLOCKED_ADDRESS, sentence)
