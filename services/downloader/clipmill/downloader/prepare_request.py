"""What the process that makes a source is told, and what it says when it is done."""

from clipmill.contracts.documents import AudioFacts, VideoFacts
from msgspec import Struct

PREPARE_TARGET = "clipmill.downloader.preparing:prepare"
"""The function that runs in the child process."""


class PrepareRequest(Struct, frozen=True, kw_only=True):
    """What to make a source of.

    Attributes:
        video: path of the file with the picture.
        audio: path of the file with the sound, None if it is in `video`.
        output: path of the source to be written.
        min_duration: the shortest picture that is taken, seconds.
        max_duration: the longest, seconds.
    """

    video: str
    audio: str | None
    output: str
    min_duration: float
    max_duration: float


class Prepared(Struct, frozen=True, kw_only=True):
    """A finished source: what `MediaFacts` says of it apart from its name."""

    container: str
    duration: float
    size_bytes: int
    video: VideoFacts
    audio: AudioFacts | None
