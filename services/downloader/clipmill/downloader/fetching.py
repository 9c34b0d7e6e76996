"""The child process of a download: it runs yt-dlp, confined, with every connection through the guard.

yt-dlp runs as a library rather than as a program: its errors arrive as exceptions with a status instead of lines of
text, and the confinement applies to it. A child process exists only for it anyway.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import deno
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import JobOptions
from clipmill.contracts.source_range import used_range
from clipmill.downloader import refusals
from clipmill.downloader.confinement import cleanse_environment, confine
from clipmill.downloader.cookies import copy_cookies
from clipmill.downloader.fetch_request import Fetched, FetchRequest
from clipmill.downloader.formats import FORMAT_ORDER, Format, best_formats
from clipmill.downloader.markers import chapters_of, heatmap_of
from clipmill.operations.credentials import conceal_credentials
from clipmill.operations.logs import get_logger
from yt_dlp import YoutubeDL
from yt_dlp.utils import DownloadCancelled, YoutubeDLError

RETRIES = 3
"""Number of times that yt-dlp itself repeats a request for a file or a piece of one; the task has its own attempts."""

STATED_DURATION_SECONDS = 1.0
"""Largest amount by which a video may be longer than its site says: sites leave out fractions of a second."""

LIVE_STATES = frozenset({"is_live", "is_upcoming", "post_live"})

PAGE_EXTRACTORS = frozenset({"generic", "html5"})
"""yt-dlp's names of its extractors for pages without an extractor of their own."""

_NO_FFMPEG = "no-ffmpeg-is-used"
"""A path that does not exist, so yt-dlp never uses an ffmpeg of the machine, which would bypass the guard."""

_log = get_logger(__name__)

Report = Callable[[float], None]
Info = Mapping[str, object]


def fetch(request: FetchRequest, report: Report) -> Fetched:
    """Download the video at `request.url`.

    Args:
        request: Video to download, with the limits.
        report: Callback for the percentage of the bytes.

    Raises:
        Permanent: with `bad_range`, `download_failed`, `no_video`, `source_unavailable` (the file of cookies cannot be
            read, too), `too_large`, `too_long` or `unsupported_url`.
        Transient: with `source_unavailable` or `download_failed` if another attempt may work.
        OSError: if the disk is full.
    """
    folder = Path(request.folder)
    home, files = folder / "home", folder / "files"
    home.mkdir()
    files.mkdir()
    runtime = Path(deno.find_deno_bin())
    cleanse_environment(home)
    confine(request.proxy_port, [runtime])
    download = _Download(request, report)
    try:
        with YoutubeDL(_parameters(request, download, home, files, runtime)) as ydl:
            info = ydl.extract_info(request.url)
    except (YoutubeDLError, DownloadCancelled) as error:
        _raise_disk_error(error, request.max_bytes)
        raise refusals.failure_of(error) from error
    return download.result(info or {})


def _parameters(
    request: FetchRequest, download: "_Download", home: Path, files: Path, runtime: Path
) -> dict[str, object]:
    cookies = None
    if request.cookies_file is not None:
        cookies = home / "cookies.txt"  # a copy, because yt-dlp writes to the file
        try:
            dropped = copy_cookies(Path(request.cookies_file), cookies)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise refusals.cookies_unreadable(os.strerror(error.errno or 0)) from error
        except ValueError as error:
            raise refusals.cookies_unreadable(str(error)) from error
        if dropped:
            _log.warning("cookies_skipped", lines=dropped, reason="these lines are not in Netscape format")
    return {
        "proxy": request.proxy,
        "socket_timeout": request.socket_timeout,
        "retries": RETRIES,
        "fragment_retries": RETRIES,
        "extractor_retries": RETRIES,
        "file_access_retries": 0,
        "skip_unavailable_fragments": False,  # a video with holes is no video
        "noplaylist": True,
        "playlist_items": "1",
        "format": download.formats,
        "format_sort": list(FORMAT_ORDER),
        "match_filter": download.accept,
        "progress_hooks": [download.progressed],
        "paths": {"home": str(files)},
        # The file's name has no part that the site chooses.
        "outtmpl": {"default": "%(autonumber)s.media"},
        "cachedir": False,
        "cookiefile": None if cookies is None else str(cookies),
        "js_runtimes": {"deno": {"path": str(runtime)}},
        "ffmpeg_location": str(home / _NO_FFMPEG),
        "fixup": "never",
        "updatetime": False,
        "continuedl": False,
        "quiet": True,
        "noprogress": True,
        "color": {"stdout": "never", "stderr": "never"},
        "logger": _Logger(),
    }


class _Logger:
    """A logger that writes yt-dlp's messages to the service's log, not to the job's; their URLs may hold passwords."""

    def debug(self, message: str) -> None:
        _log.debug("yt_dlp_reported", message=conceal_credentials(message))

    def warning(self, message: str) -> None:
        _log.warning("yt_dlp_warned", message=conceal_credentials(message))

    def error(self, message: str) -> None:
        _log.warning("yt_dlp_failed", message=conceal_credentials(message))


@dataclass
class _Piece:
    """One file of a download: its bytes so far, and all its bytes if known."""

    done: float = 0.0
    total: float = 0.0


class _Download:
    """One run of yt-dlp, which chooses formats, checks limits and counts bytes."""

    def __init__(self, request: FetchRequest, report: Report) -> None:
        self._request = request
        self._report = report
        self._pieces: dict[str, _Piece] = {}
        self._expected_pieces = 1
        self._percent = 0

    def accept(self, info: Info, *, incomplete: bool) -> str | None:
        """Check what yt-dlp found out before it downloads; return None, which lets it continue.

        Raises:
            Permanent: if the video must not be downloaded.
        """
        if info.get("is_live") or info.get("live_status") in LIVE_STATES:
            raise Permanent(ErrorCode.SOURCE_UNAVAILABLE, refusals.NOT_PUBLISHED)
        duration = info.get("duration")
        if isinstance(duration, int | float):
            if duration > self._request.max_duration:
                raise refusals.too_long(duration, self._request.max_duration)
            _check_range(self._request.options, duration)
        size = info.get("filesize")
        if not incomplete and isinstance(size, int):
            self._check_size(size + self._done())
        return None

    def formats(self, context: Mapping[str, Sequence[Format]]) -> Iterator[Format]:
        """Yield the formats to download; yt-dlp's `format` parameter takes this method.

        Raises:
            Permanent: if no format has a picture.
        """
        chosen = best_formats(context["formats"])
        self._expected_pieces = len(chosen)
        yield from chosen

    def progressed(self, status: Info) -> None:
        """Count bytes; yt-dlp calls this several times a second.

        Raises:
            Permanent: with `too_large` if the bytes so far, or the announced ones, exceed the limit.
        """
        piece = self._pieces.setdefault(str(status.get("filename")), _Piece())
        piece.done = _number(status.get("downloaded_bytes")) or piece.done
        exact = _number(status.get("total_bytes"))
        piece.total = exact or _number(status.get("total_bytes_estimate"))
        self._check_size(self._done() - piece.done + max(piece.done, exact))
        shares = sum(min(1.0, each.done / each.total) for each in self._pieces.values() if each.total)
        percent = int(100 * shares / max(self._expected_pieces, len(self._pieces)))
        if percent > self._percent:
            self._percent = percent
            self._report(percent)

    def result(self, info: Info) -> Fetched:
        """Return the finished download.

        Raises:
            Permanent: if no file exists although yt-dlp reported no error (it may have filtered out the video).
        """
        found = 1
        if info.get("_type", "video") != "video":
            found = int(_number(info.get("playlist_count"))) or 1
            entries = info.get("entries")
            first = next(iter(entries), None) if isinstance(entries, list) else None
            if not isinstance(first, dict):
                raise Permanent(ErrorCode.UNSUPPORTED_URL, refusals.NO_VIDEO_FOUND)
            info = first
        downloads = info.get("requested_downloads")
        paths = [
            Path(str(each["filepath"]))
            for each in (downloads if isinstance(downloads, list) else [])
            if Path(str(each.get("filepath"))).is_file()
        ]
        if not paths:
            raise refusals.unexplained("no file was downloaded")
        return Fetched(
            title=_title(info),
            video=str(paths[0]),
            audio=str(paths[1]) if len(paths) > 1 else None,
            size_bytes=sum(path.stat().st_size for path in paths),
            videos_found=found,
            heatmap=heatmap_of(info, self._request.max_duration),
            chapters=chapters_of(info, self._request.max_duration),
        )

    def _done(self) -> float:
        return sum(piece.done for piece in self._pieces.values())

    def _check_size(self, size: float) -> None:
        if size > self._request.max_bytes:
            raise refusals.too_large(self._request.max_bytes)


def _check_range(options: JobOptions, stated: float) -> None:
    """Raise if a video that is `stated` to be so many seconds long surely lacks the part that a job uses.

    Raises:
        Permanent: with `bad_range`.
    """
    try:
        used_range(options, stated + STATED_DURATION_SECONDS)
    except Permanent:
        used_range(options, stated)  # fails too, and its sentence has the length that the site shows
        raise


def _title(info: Info) -> str:
    """Return the video's title, without the number that yt-dlp adds for a page even if it has a single video."""
    title = str(info.get("title") or "")
    return title.removesuffix(" (1)") if info.get("extractor") in PAGE_EXTRACTORS else title


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _raise_disk_error(error: BaseException, max_bytes: int) -> None:
    """Raise the cause of a yt-dlp error if it is a file that could not be written."""
    for cause in refusals.causes(error):
        if isinstance(cause, OSError) and cause.errno == errno.EFBIG:
            raise refusals.too_large(max_bytes) from cause
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(cause.errno, os.strerror(cause.errno)) from cause
