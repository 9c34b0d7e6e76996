"""The request to the child process that downloads, and the result."""

from clipmill.contracts.documents import Chapter, HeatPoint
from clipmill.contracts.options import JobOptions
from msgspec import Struct

FETCH_TARGET = "clipmill.downloader.fetching:fetch"
"""The function that runs in the child process."""


class FetchRequest(Struct, frozen=True, kw_only=True):
    """One download.

    Attributes:
        url: URL with http or https.
        folder: Existing, empty directory for the download and for other files of yt-dlp.
        proxy: URL of the egress guard, password included.
        proxy_port: Port of the guard on 127.0.0.1, the only address that the process may connect to.
        max_bytes: Most bytes that may be downloaded, all files together.
        max_duration: Longest video, in seconds.
        options: Options of the job, which may use a part of the video only.
        socket_timeout: Silence of a server after which the request is repeated, in seconds.
        cookies_file: Path of a file of cookies in Netscape format, None for no cookies.
    """

    url: str
    folder: str
    proxy: str
    proxy_port: int
    max_bytes: int
    max_duration: float
    options: JobOptions
    socket_timeout: float
    cookies_file: str | None = None


class Fetched(Struct, frozen=True, kw_only=True):
    """A finished download.

    Attributes:
        title: Title of the video at its site; may be empty.
        video: Path of the file with the picture, and with the sound unless `audio` names another file.
        audio: Path of the file with the sound, None if `video` has it.
        size_bytes: Size of all files, in bytes.
        videos_found: Number of videos at the URL, of which the first was downloaded.
        heatmap: Curve of replays at its site, in order of time; empty if there is none.
        chapters: Chapters, in order of time; empty if there are none.
    """

    title: str
    video: str
    audio: str | None
    size_bytes: int
    videos_found: int = 1
    heatmap: tuple[HeatPoint, ...] = ()
    chapters: tuple[Chapter, ...] = ()
