"""What the process that downloads is told, and what it says when it is done."""

from msgspec import Struct

FETCH_TARGET = "clipmill.downloader.fetching:fetch"
"""The function that runs in the child process."""


class FetchRequest(Struct, frozen=True, kw_only=True):
    """One download.

    Attributes:
        url: an http or https URL.
        folder: an existing, empty directory for the download and for what yt-dlp keeps besides.
        proxy: the egress guard's URL, password included.
        proxy_port: where the guard listens on 127.0.0.1, the only address that the process may connect to.
        max_bytes: the most that may be downloaded, in all.
        max_duration: of the video, seconds.
        socket_timeout: silence of a server after which it is asked again, seconds.
        cookies_file: cookies in Netscape format, None for none.
    """

    url: str
    folder: str
    proxy: str
    proxy_port: int
    max_bytes: int
    max_duration: float
    socket_timeout: float
    cookies_file: str | None = None


class Fetched(Struct, frozen=True, kw_only=True):
    """A finished download.

    Attributes:
        title: what the site calls the video; may be empty.
        video: path of the file with the picture, and with the sound unless `audio` names another.
        audio: path of the file with the sound, None if it is in `video`.
        size_bytes: of both.
        videos_found: how many videos are at the URL; the first of them was taken.
    """

    title: str
    video: str
    audio: str | None
    size_bytes: int
    videos_found: int = 1
