"""The measuring of a chunk, as the parent process sees it: the request, the result, and the name of the function."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

CHUNK_TARGET = "clipmill.analyzer.scenes.chunk_measuring:measure_chunk"
"""The function that runs in each child process."""

THUMBNAIL_SIDE = 16
"""Width and height of a thumbnail, in pixels, for pictures of any shape. In pictures this coarse, small movements
vanish while mixed pictures stay mixed. At 256 bytes a frame, four hours at 25 frames a second take 92 MB."""


class Chunk(Struct, frozen=True, kw_only=True):
    """A part of a video that begins with a keyframe and ends where the next chunk begins.

    All times are time stamps of the stream, in its time base.

    Attributes:
        sought: Time to seek to before searching for the first keyframe; None at the first frame of the video.
        first: Time of the keyframe that begins this chunk; None at the beginning of the video.
        next: Time of the keyframe that begins the next chunk; None if this one reaches the end.
        last: Time of the last frame that is wanted; None at the end of the video.
    """

    sought: int | None = None
    first: int | None = None
    next: int | None = None
    last: int | None = None


WHOLE = Chunk()
"""The chunk that is the whole video."""


class ChunkRequest(Struct, frozen=True, kw_only=True):
    """A request to measure one chunk.

    Attributes:
        store_url: URL of the artifact store.
        key: Key of the video in the store.
        longest_side: Longer side of the compared pictures, in pixels.
        chunk: Chunk to measure.
        start: Approximate start of the chunk, in seconds from the first frame, for the progress.
        end: Approximate end of the chunk, in seconds from the first frame.
        threads: Number of threads that decode.
    """

    store_url: str
    key: str
    longest_side: int
    chunk: Chunk
    start: float
    end: float
    threads: int


class Measures(Struct, frozen=True, kw_only=True):
    """The measures of a run of frames, from which shots are found. Arrays are little-endian bytes, ready to be sent.

    Attributes:
        ticks: Time of each frame from the first frame of the video, in units of `time_base`, int64, ascending.
        scores: PySceneDetect's content score of each frame against the one before, float64, 0 for the first.
        thumbnails: Grey values of each frame, `THUMBNAIL_SIDE` rows of as many.
        origin: Time stamp of the container from which ticks count, in units of `time_base`.
        time_base: Length of a tick in seconds, numerator and denominator.
        frame_rate: Average frames per second of the whole video, numerator and denominator.
        skipped: Number of frames that could not be decoded.
    """

    ticks: bytes = b""
    scores: bytes = b""
    thumbnails: bytes = b""
    origin: int = 0
    time_base: tuple[int, int] = (1, 1000)
    frame_rate: tuple[int, int] = (25, 1)
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.ticks) // 8

    def changes(self) -> Iterator[tuple[int, float]]:
        """Yield the ticks and the score of each frame."""
        return zip(np.frombuffer(self.ticks, "<i8").tolist(), np.frombuffer(self.scores, "<f8").tolist(), strict=True)

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of each frame from the first frame of the video, in seconds."""
        numerator, denominator = self.time_base
        return np.frombuffer(self.ticks, dtype="<i8") * (numerator / denominator)

    @property
    def pictures(self) -> NDArray[np.uint8]:
        """Thumbnails, (frames, pixels)."""
        return np.frombuffer(self.thumbnails, dtype=np.uint8).reshape(-1, THUMBNAIL_SIDE**2)

    def part(self, start: int, stop: int) -> "Measures":
        """Return the measures of the frames [start, stop)."""
        pixels = THUMBNAIL_SIDE**2
        return Measures(
            ticks=self.ticks[8 * start : 8 * stop],
            scores=self.scores[8 * start : 8 * stop],
            thumbnails=self.thumbnails[pixels * start : pixels * stop],
            origin=self.origin,
            time_base=self.time_base,
            frame_rate=self.frame_rate,
            skipped=self.skipped,
        )
