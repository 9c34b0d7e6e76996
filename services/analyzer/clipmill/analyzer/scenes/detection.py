"""Scene detection, which runs in a child process because pictures may be hostile and its libraries are heavy.

It first measures all frames, in parallel if the video is long, then decides on the whole sequence.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import av
from clipmill.analyzer.scenes.chunk_measuring import Percents
from clipmill.analyzer.scenes.chunk_processes import measure_chunks
from clipmill.analyzer.scenes.chunk_request import WHOLE, Chunk, ChunkRequest, Measures
from clipmill.analyzer.scenes.chunks import ChunksDisagreeError, joined, part_of, planned
from clipmill.analyzer.scenes.detection_request import Detected, DetectionRequest
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from clipmill.analyzer.scenes.frame_measures import measured
from clipmill.analyzer.scenes.transitions import gradual
from clipmill.artifacts.store import open_store
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.processors import processors
from scenedetect import AdaptiveDetector, FrameTimecode
from scenedetect.common import Timecode

MOST_CHUNK_THREADS = 4
"""Threads that decode a chunk: their pictures take memory, and the rest of the process keeps no more threads busy."""


def detect(request: DetectionRequest, report: Callable[[float], None]) -> Detected:
    """Find the cuts of a video, or of a part, with PySceneDetect's adaptive detector, and its gradual transitions.

    The detector compares the change of hue, saturation and brightness in each frame with the change in the two frames
    before it and the two after it. Fast movement changes all of them, so it is no cut. Dissolves and fades change no
    frame more than its neighbours; the module `transitions` describes how they are found.

    Args:
        request: The video, and how to search it.
        report: Function that receives the percentage done.

    Raises:
        Permanent: `unreadable_media` if no picture can be decoded, `no_video` if there is no video stream.
        Transient: if the store cannot be reached.
    """
    part, chunks = _chunks(request)
    note = ""
    measures: Measures | None = None
    said = Rising(report)
    if len(chunks) > 1:
        try:
            measures = joined(chunks, measure_chunks(_requests(request, chunks), said.reached))
        except ChunksDisagreeError as error:
            note = (
                "The video was searched for shots a second time, in one pass, because the parts searched in parallel "
                f"did not fit together ({error}). This took longer; the clips are not affected."
            )
    if measures is None:
        chunks = chunks[:1]
        measures = _in_one_pass(request, part, said.reached)
    if len(measures) == 0:
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "No picture of the source can be decoded; use another video.")
    cuts = _cuts(measures, request)
    return Detected(
        cuts=cuts,
        frame_rate=float(Fraction(*measures.frame_rate)),
        frames=len(measures),
        skipped=measures.skipped,
        transitions=gradual(measures.times, measures.pictures, cuts, request.shortest),
        chunks=len(chunks),
        note=note,
    )


class Rising:
    """Passes on only those percentages that are higher than all before.

    Args:
        report: Function that receives the percentage done.
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._said = 0.0

    def reached(self, percent: float) -> None:
        """Take a percentage, which may be lower than the last one."""
        if percent > self._said:
            self._said = percent
            self._report(percent)


def _chunks(request: DetectionRequest) -> tuple[Chunk, tuple[Chunk, ...]]:
    """Return the part to search as one chunk, and the chunks that it is cut into."""
    start, end = _span(request)
    store = open_store(request.store_url)
    part = WHOLE
    if (start, request.end) != (0.0, None):
        with store.open_media(request.key) as file:
            part = part_of(file, start, end)
    with store.open_media(request.key) as file:
        chunks = planned(
            file, end, request.chunk_seconds, request.processes, request.memory_bytes, start=start, part=part
        )
        return part, chunks


def _span(request: DetectionRequest) -> tuple[float, float]:
    return request.start, request.duration if request.end is None else request.end


def _requests(request: DetectionRequest, chunks: tuple[Chunk, ...]) -> list[ChunkRequest]:
    begin, stop = _span(request)
    edges = [begin + (stop - begin) * index / len(chunks) for index in range(len(chunks) + 1)]
    return [
        ChunkRequest(
            store_url=request.store_url,
            key=request.key,
            longest_side=request.longest_side,
            chunk=chunk,
            start=start,
            end=end,
            threads=min(MOST_CHUNK_THREADS, max(1, processors() // len(chunks))),
        )
        for chunk, (start, end) in zip(chunks, pairwise(edges), strict=True)
    ]


def _in_one_pass(request: DetectionRequest, part: Chunk, report: Callable[[float], None]) -> Measures:
    begin, stop = _span(request)
    percents = Percents(begin, max(stop, begin + 1e-3), report)
    with open_store(request.store_url).open_media(request.key) as file:
        try:
            stream = DetectionStream(file, request.longest_side, percents.reached, part)
        except IndexError as error:
            raise Permanent(ErrorCode.NO_VIDEO, "The source has no video stream; use a video that has one.") from error
        except av.FFmpegError as error:
            raise Permanent(
                ErrorCode.UNREADABLE_MEDIA, f"The source cannot be opened ({error.strerror}); use another video."
            ) from error
        try:
            return measured(stream)
        finally:
            stream.close()


class _Replaying(AdaptiveDetector):  # type: ignore[misc]  # its library has no types
    """PySceneDetect's detector for scores that are known already: each score takes the place of a picture."""

    def _calculate_frame_score(self, timecode: FrameTimecode, frame_img: float) -> float:
        return frame_img


def _cuts(measures: Measures, request: DetectionRequest) -> tuple[float, ...]:
    detector = _Replaying(
        adaptive_threshold=request.threshold,
        min_scene_len=request.shortest,
        min_content_val=request.least_change,
    )
    time_base, rate = Fraction(*measures.time_base), Fraction(*measures.frame_rate)
    cuts: list[float] = []
    for ticks, score in measures.changes():
        timecode = FrameTimecode(Timecode(pts=ticks, time_base=time_base), rate)
        cuts += [cut.seconds for cut in detector.process_frame(timecode, score)]
    return tuple(cuts)
