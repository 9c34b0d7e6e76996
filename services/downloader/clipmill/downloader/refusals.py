"""The translation of yt-dlp's errors into failures: a code for machines, and a sentence with what to do.

yt-dlp raises few types of errors with many different messages. Types and HTTP statuses decide first, then the words of
the messages. An unknown error becomes `download_failed` with yt-dlp's own reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.downloader.durations import clock, rounded_apart
from clipmill.operations.credentials import conceal_credentials

REASON_LIMIT = 200
"""Longest reason of yt-dlp that a job's log repeats, in characters."""

CAUSES_LIMIT = 20
"""Most errors of a chain of causes that are followed."""

_TRANSPORT_ERRORS = frozenset({"TransportError", "IncompleteRead", "SSLError", "ProxyError", "ContentTooShortError"})
"""Names of yt-dlp's error types that another attempt may avoid; names spare this module an import of yt-dlp."""


@dataclass(frozen=True)
class _Known:
    pattern: re.Pattern[str]
    code: ErrorCode
    sentence: str
    permanent: bool = True


def _known(pattern: str, code: ErrorCode, sentence: str, *, permanent: bool = True) -> _Known:
    return _Known(re.compile(pattern, re.IGNORECASE), code, sentence, permanent)


NOT_PUBLISHED = "The video is live or not published yet; submit it again when its recording is available."

NO_VIDEO_FOUND = "No video was found at this URL; give the address of a page with one video, or of a video file."

CONNECTION_FAILED = "The connection to the video's site failed; try again later."

_DOWNLOAD_FAILED = "yt-dlp download failed"
"""The start of the sentence, as the public contract shows it."""

_COOKIES = "an operator can supply an account's cookies with CLIPMILL_DOWNLOADER_COOKIES_FILE"

# The first match counts, so particular patterns precede general ones.
_KNOWN: tuple[_Known, ...] = (
    _known(
        r"certificate.?verify",
        ErrorCode.SOURCE_UNAVAILABLE,
        "The site's certificate cannot be trusted; download the video yourself and upload it.",
    ),
    _known(
        r"unsupported url|no suitable extractor|is not a valid url|no video could be found|there is no video in this",
        ErrorCode.UNSUPPORTED_URL,
        NO_VIDEO_FOUND,
    ),
    _known(
        r"drm",
        ErrorCode.SOURCE_UNAVAILABLE,
        "The video is copy-protected (DRM); submit one that is not.",
    ),
    _known(
        r"not a bot|rate.?limit|too many requests|try again later",
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The site refuses automatic downloads to this server for now; {_COOKIES}.",
        permanent=False,
    ),
    _known(
        r"geo.?restrict|not available (in|from) your (country|location|region)|in your country|blocked it in your",
        ErrorCode.SOURCE_UNAVAILABLE,
        "The site does not show this video in the country where clipmill runs; an operator can set a proxy in another "
        "country with CLIPMILL_DOWNLOADER_UPSTREAM_PROXY.",
    ),
    _known(
        r"private video|video is private|is private\b",
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The video is private; make it public or unlisted, or {_COOKIES}.",
    ),
    _known(
        r"confirm your age|age.?restricted|inappropriate for some users",
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The video is age-restricted and needs an account; {_COOKIES}.",
    ),
    _known(
        r"sign in|log.?in (is )?required|only available for registered|requires? (authentication|an account|login)"
        r"|members.?only|join this channel|premium|subscri(bers?|ption)|requires payment|rental|--cookies",
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The video needs an account; {_COOKIES}.",
    ),
    _known(
        r"live event will begin|premieres? in|is offline|not currently live|live stream(ing)? (is|has) not|is upcoming",
        ErrorCode.SOURCE_UNAVAILABLE,
        NOT_PUBLISHED,
    ),
    _known(
        r"unavailable|removed|deleted|terminated|no longer available|not available|does not exist|copyright"
        r"|violat(ing|ion)|no video formats found|not found",
        ErrorCode.SOURCE_UNAVAILABLE,
        "The video is not available (removed, never published, or not public); check the URL.",
    ),
    _known(
        r"timed? ?out|connection (refused|reset|aborted|broken)|temporary failure|network is unreachable"
        r"|remote end closed|bytes read|content too short",
        ErrorCode.SOURCE_UNAVAILABLE,
        CONNECTION_FAILED,
        permanent=False,
    ),
)

_STATUSES = {
    401: f"The site asks for an account (HTTP 401); {_COOKIES}.",
    402: "The site asks for a payment (HTTP 402); submit a video that is free.",
    403: f"The site refuses this download (HTTP 403); if the video needs an account, {_COOKIES}.",
    404: "The site has nothing at this URL (HTTP 404); check the address.",
    410: "The video was removed (HTTP 410); submit another one.",
    451: "The video is withheld for legal reasons (HTTP 451); submit another one.",
}

_PREFIX = re.compile(r"^(?:ERROR:\s*)?(?:\[[^\]]*\]\s*)?(?:[\w-]{1,40}:\s+(?=\S))?")
_NOISE = re.compile(
    r"\s*(?:;? please report this issue on|\(caused by|Use --|See\s+https?:|Confirm you are on).*$", re.DOTALL
)


def failure_of(error: BaseException) -> Failure:
    """Return the failure of a job for an error of yt-dlp."""
    chain = list(causes(error))
    for cause in chain:
        status = getattr(cause, "status", None)
        if isinstance(status, int) and status >= 400:
            return _failure_of_status(status)
    if any(type(cause).__name__ in _TRANSPORT_ERRORS for cause in chain):
        return Transient(ErrorCode.SOURCE_UNAVAILABLE, CONNECTION_FAILED)
    message = str(error)
    for known in _KNOWN:
        if known.pattern.search(message):
            kind = Permanent if known.permanent else Transient
            return kind(known.code, known.sentence)
    return unexplained(_reason(message))


def unexplained(reason: str) -> Permanent:
    """Return the failure for an unknown error, with yt-dlp's own reason."""
    sentence = f"{_DOWNLOAD_FAILED}: {reason}; download the video yourself and upload the file."
    return Permanent(ErrorCode.DOWNLOAD_FAILED, sentence)


def too_long(duration: float, limit: float) -> Permanent:
    """Return the refusal of a video of `duration` seconds, of which `limit` are allowed."""
    lasts, most = map(clock, rounded_apart(duration, limit))
    return Permanent(ErrorCode.TOO_LONG, f"The video lasts {lasts}; submit one that lasts at most {most}.")


def longer_than(limit: float) -> Permanent:
    """Return the refusal of a video of unknown duration, of which more than `limit` seconds were found."""
    most = clock(Decimal(f"{limit:.10g}"))
    return Permanent(ErrorCode.TOO_LONG, f"The video is longer than {most}; submit one that lasts at most {most}.")


def too_large(limit: int) -> Permanent:
    """Return the refusal of a download of more than `limit` bytes."""
    return Permanent(ErrorCode.TOO_LARGE, f"The video is larger than {_size(limit)}; submit a smaller one.")


def cookies_unreadable(reason: str) -> Permanent:
    """Return the failure of a download whose cookies cannot be read; their path stays out of the job's log."""
    sentence = (
        f"The operator's file of cookies cannot be read ({reason}); an operator can correct "
        "CLIPMILL_DOWNLOADER_COOKIES_FILE."
    )
    return Permanent(ErrorCode.SOURCE_UNAVAILABLE, sentence)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, by Python's links and by yt-dlp's own."""
    waiting: list[object] = [error]
    seen: list[BaseException] = []
    while waiting and len(seen) < CAUSES_LIMIT:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or any(each is other for other in seen):
            continue
        seen.append(each)
        yield each
        information = getattr(each, "exc_info", None)
        waiting.append(information[1] if isinstance(information, tuple) and len(information) > 1 else None)
        waiting += [getattr(each, "cause", None), each.__cause__, each.__context__]


def _failure_of_status(status: int) -> Failure:
    if status in _STATUSES:
        return Permanent(ErrorCode.SOURCE_UNAVAILABLE, _STATUSES[status])
    if status in (408, 425, 429) or status >= 500:
        return Transient(
            ErrorCode.SOURCE_UNAVAILABLE, f"The site fails or gets too many requests (HTTP {status}); try again later."
        )
    return Permanent(ErrorCode.SOURCE_UNAVAILABLE, f"The site refuses this download (HTTP {status}); check the URL.")


def _reason(message: str) -> str:
    """Return yt-dlp's message without its prefix, its advice on options and its request for a report."""
    line = " ".join(_NOISE.sub("", _PREFIX.sub("", message, count=1)).split())
    line = conceal_credentials(line)
    return (line[:REASON_LIMIT] or "it gave no reason").rstrip(".;, ")


def _size(size_bytes: int) -> str:
    gigabytes = size_bytes / 2**30
    return f"{gigabytes:.3g} GiB" if gigabytes >= 1 else f"{size_bytes / 2**20:.3g} MiB"
