"""The files of a job, served whole or in ranges from the store: its rendered clips, and its source."""

from aiohttp import web
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import Store
from clipmill.contracts.api import ClipAddress, ClipFileKind, clip_url, parse_clip_url
from clipmill.contracts.documents import MediaFacts
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.status import PublicClip
from clipmill.gateway.api.answers import job_not_found
from clipmill.gateway.api.file_names import file_name
from clipmill.gateway.api.sending import SentFile, send_file
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.document import JobDocument

TYPES = {
    ClipFileKind.VIDEO: "video/mp4",
    ClipFileKind.POSTER: "image/jpeg",
    ClipFileKind.CAPTIONS: "text/vtt; charset=utf-8",
    ClipFileKind.SUBTITLES: "application/x-subrip; charset=utf-8",
}
PLACES = {
    ClipFileKind.VIDEO: layout.clip,
    ClipFileKind.POSTER: layout.poster,
    ClipFileKind.CAPTIONS: layout.captions,
    ClipFileKind.SUBTITLES: layout.subtitles,
}
CONTAINERS = {"mp4": "video/mp4", "mkv": "video/x-matroska"}
"""The type of a source by its container, as `MediaFacts` names it."""

UNKNOWN = "application/octet-stream"
"""The type of a source in a container that only a later version knows."""


class Videos:
    """`GET` and `HEAD /videos/<job>/<name>` and `/api/source/<job>`.

    Args:
        store: Store of the files.
        statuses: Statuses of jobs, which show the published clips.
    """

    def __init__(self, store: Store, statuses: Statuses) -> None:
        self._store = store
        self._statuses = statuses

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Send a clip, its poster or its captions; the title of the clip is the name of the file.

        Raises:
            Permanent: `not_found`.
            Transient: `unavailable`, NATS or the store did not answer in time.
        """
        found = parse_clip_url(request.path)
        document = await self._statuses.document(found.job) if found else None
        clip = _published(document, found) if document and found else None
        if found is None or document is None or clip is None:
            sentence = "This video does not exist; its job was removed or cancelled, or the address is wrong."
            raise Permanent(ErrorCode.NOT_FOUND, sentence)
        key = PLACES[found.kind](document.job, found.number)
        facts = await self._store.facts(key)
        if facts is None:
            raise Permanent(ErrorCode.NOT_FOUND, "This clip has no such file; submit the video again if you need it.")
        fallback = f"clip_{found.number}"
        name = f"{file_name(clip.title, fallback)}.{found.kind}"
        file = SentFile(key, facts, TYPES[found.kind], name, f"{fallback}.{found.kind}")
        return await send_file(request, self._store, file)

    async def source(self, request: web.Request) -> web.StreamResponse:
        """Send the source of a job, as the stages read it.

        Raises:
            Permanent: `not_found`, it is not downloaded yet, or was removed.
            Transient: `unavailable`, NATS or the store did not answer in time.
        """
        document = await self._statuses.document(request.match_info["job"])
        if document is None or document.cancelled:
            return job_not_found()
        key = layout.source(document.job)
        media = await load(self._store, layout.media(document.job), MediaFacts)
        facts = None if media is None else await self._store.facts(key)
        if media is None or facts is None:
            ended = "The source of the job is gone; submit the video again."
            waiting = "The source of the job is not there yet; try again later."
            raise Permanent(ErrorCode.NOT_FOUND, ended if document.state.terminal else waiting)
        name = f"{file_name(media.title, media.stem)}.{media.container}"
        file = SentFile(key, facts, CONTAINERS.get(media.container, UNKNOWN), name, f"{media.stem}.{media.container}")
        return await send_file(request, self._store, file)


def _published(document: JobDocument, found: ClipAddress) -> PublicClip | None:
    """Return the clip as the job's status shows it; a cancelled job has none because its files are removed."""
    if document.cancelled:
        return None
    url = clip_url(document.job, found.stem, found.number)
    return next((clip for clip in document.clips if clip.video_url == url), None)
