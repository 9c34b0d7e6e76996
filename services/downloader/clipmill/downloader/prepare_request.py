"""The request to the child process that turns a download into a job's source, and the result."""

from clipmill.contracts.documents import AudioFacts, VideoFacts
from msgspec import Struct

PREPARE_TARGET = "clipmill.downloader.preparing:prepare"
"""The function that runs in the child process."""


class PrepareRequest(Struct, frozen=True, kw_only=True):
    """The files to make a source of, with the limits.

    Attributes:
        video: Path of the file with the picture.
        audio: Path of the file with the sound, None if `video` has it.
        output: Path of the source to write.
        min_duration: Shortest picture that is accepted, in seconds.
        max_duration: Longest picture that is accepted, in seconds.
    """

    video: str
    audio: str | None
    output: str
    min_duration: float
    max_duration: float


class Prepared(Struct, frozen=True, kw_only=True):
    """A finished source, with all fields of `MediaFacts` that do not name it."""

    container: str
    duration: float
    size_bytes: int
    video: VideoFacts
    audio: AudioFacts | None
