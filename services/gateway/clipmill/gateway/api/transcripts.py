"""The transcripts of jobs, in several formats."""

from collections.abc import Callable

from aiohttp import web
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import Store
from clipmill.artifacts.subtitles import cues_of, plain_text, srt, webvtt
from clipmill.contracts.documents import Transcript
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.api.answers import as_json, job_not_found
from clipmill.gateway.api.statuses import Statuses

JSON = "json"
TEXTS: dict[str, tuple[str, Callable[[Transcript], str]]] = {
    "vtt": ("text/vtt", lambda transcript: webvtt(cues_of(transcript))),
    "srt": ("application/x-subrip", lambda transcript: srt(cues_of(transcript))),
    "txt": ("text/plain", plain_text),
}
"""The formats other than JSON, each with its content type and the function that makes it."""


class Transcripts:
    """`GET /api/jobs/<job>/transcript?format=json|vtt|srt|txt`.

    Args:
        store: Store of the transcripts.
        statuses: Statuses of jobs.
    """

    def __init__(self, store: Store, statuses: Statuses) -> None:
        self._store = store
        self._statuses = statuses

    async def transcript(self, request: web.Request) -> web.Response:
        """Return the transcript in the requested format.

        Raises:
            Permanent: `bad_option` for an unknown format, `not_found` while there is no transcript.
        """
        wanted = request.query.get("format", JSON)
        if wanted != JSON and wanted not in TEXTS:
            known = ", ".join([JSON, *TEXTS])
            raise Permanent(ErrorCode.BAD_OPTION, f'The parameter "format" must be one of: {known}.')
        document = await self._statuses.document(request.match_info["job"])
        if document is None or document.cancelled:
            return job_not_found()
        transcript = await load(self._store, layout.transcript(JobId(document.job)), Transcript)
        if transcript is None:
            ended = "The job ended without a transcript; submit the video again."
            sentence = ended if document.state.terminal else "The job has no transcript yet; try again later."
            raise Permanent(ErrorCode.NOT_FOUND, sentence)
        if wanted == JSON:
            return as_json(transcript)
        content_type, made = TEXTS[wanted]
        return web.Response(text=made(transcript), content_type=content_type, charset="utf-8")
