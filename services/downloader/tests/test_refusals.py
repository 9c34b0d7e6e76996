import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.downloader.refusals import failure_of, too_large, too_long
from yt_dlp.networking.exceptions import IncompleteRead, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnsupportedError, YoutubeDLError


class HttpFailure(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP Error {status}")
        self.status = status


def reported(cause: BaseException) -> DownloadError:
    """Return an error as yt-dlp raises it: a text with its cause."""
    return DownloadError(f"ERROR: {cause}", (type(cause), cause, None))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("[youtube] abc: Private video. Sign in if you've been granted access to this video", "private"),
        ("[youtube] abc: Video unavailable. This video has been removed by the uploader", "not available"),
        ("[youtube] abc: Video unavailable", "not available"),
        ("[youtube] abc: This video is no longer available because the account has been terminated", "not available"),
        ("[vimeo] 1: This video is only available for registered users. Use --cookies", "COOKIES_FILE"),
        ("[youtube] abc: Join this channel to get access to members-only content", "COOKIES_FILE"),
        ("[youtube] abc: Sign in to confirm your age. This video may be inappropriate for some users.", "age"),
        ("[youtube] abc: The uploader has not made this video available in your country", "UPSTREAM_PROXY"),
        ("[youtube] abc: This live event will begin in 3 days.", "live"),
        ("[youtube] abc: Premieres in 2 hours", "live"),
        ("[twitch:stream] x: The channel is not currently live", "live"),
        ("[site] x: This video is DRM protected", "DRM"),
    ],
)
def test_an_unavailable_video_says_why_and_is_not_tried_again(words: str, hint: str):
    failure = failure_of(reported(ExtractorError(words, expected=True)))
    assert isinstance(failure, Permanent)
    assert failure.code is ErrorCode.SOURCE_UNAVAILABLE
    assert hint in failure.sentence


def test_a_video_for_other_countries_is_not_tried_again():
    failure = failure_of(reported(GeoRestrictedError("This video is not available from your location")))
    assert isinstance(failure, Permanent)
    assert "country" in failure.sentence


def test_a_url_without_a_video_is_unsupported():
    failure = failure_of(reported(UnsupportedError("https://example.org/")))
    assert (type(failure), failure.code) == (Permanent, ErrorCode.UNSUPPORTED_URL)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451, 418])
def test_a_refusal_of_the_server_is_final(status: int):
    failure = failure_of(reported(ExtractorError("Unable to download webpage", cause=HttpFailure(status))))
    assert (type(failure), failure.code) == (Permanent, ErrorCode.SOURCE_UNAVAILABLE)
    assert str(status) in failure.sentence


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_trouble_of_the_server_may_pass(status: int):
    assert isinstance(failure_of(reported(ExtractorError("Unable", cause=HttpFailure(status)))), Transient)


@pytest.mark.parametrize(
    "cause",
    [
        TransportError("EOF occurred in violation of protocol"),
        IncompleteRead(10, 20),
        TransportError("timed out"),
        TransportError("[Errno 111] Connection refused"),
        ExtractorError("Sign in to confirm you’re not a bot", expected=True),  # noqa: RUF001 - as YouTube writes it
    ],
)
def test_trouble_on_the_way_may_pass(cause: Exception):
    assert isinstance(failure_of(reported(cause)), Transient)


def test_an_unknown_failure_repeats_the_words_of_yt_dlp():
    words = "ERROR: [site] abc123: Something odd happened; please report this issue on  https://x , filling out …"
    failure = failure_of(DownloadError(words))
    assert (type(failure), failure.code) == (Permanent, ErrorCode.DOWNLOAD_FAILED)
    assert failure.sentence == (
        "yt-dlp download failed: Something odd happened; download the video yourself and upload the file."
    )


def test_an_error_without_words_still_gives_a_sentence():
    assert failure_of(DownloadError("")).sentence.startswith("yt-dlp download failed: it gave no reason; ")


def test_limits_are_written_as_people_read_them():
    assert too_long(5 * 3600 + 62, 4 * 3600).sentence == (
        "The video lasts 5:01:02; submit one that lasts at most 4:00:00."
    )
    assert "4 GiB" in too_large(4 * 2**30).sentence
    assert "1.5 MiB" in too_large(3 * 2**19).sentence


def test_a_reason_does_not_quote_the_password_of_an_address():
    failure = failure_of(YoutubeDLError("Strange answer of https://user:s3cret@site.example/video"))
    assert "https://***@site.example/video" in failure.sentence
