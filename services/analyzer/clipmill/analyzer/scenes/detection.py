"""Scene detection, the part that runs in a child process: hostile pictures, heavy libraries.

Frames are measured first (in parallel where the video is long), decided on afterwards, in one go.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import av
from clipmill.analyzer.scenes.detection_request import Detected, DetectionRequest
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from clipmill.analyzer.scenes.frame_measures import measured
from clipmill.analyzer.scenes.span_measuring import Percents
from clipmill.analyzer.scenes.span_processes import measure_spans
from clipmill.analyzer.scenes.span_request import Measures, Span, SpanRequest
from clipmill.analyzer.scenes.spans import SpansDisagreeError, joined, planned
from clipmill.analyzer.scenes.transitions import gradual
from clipmill.artifacts.store import open_store
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.processors import processors
from scenedetect import AdaptiveDetector, FrameTimecode
from scenedetect.common import Timecode

MOST_SPAN_THREADS = 4
"""Threads that decode a span: their pictures take memory, and the rest of the process keeps no more of them busy."""


def detect(request: DetectionRequest, report: Callable[[float], None]) -> Detected:
    """Find the cuts of a video with PySceneDetect's adaptive detector, and its gradual transitions.

    The detector compares each frame's change of hue, saturation and brightness with that of the two frames before and
    after it, so that fast movement, which changes all of them, is no cut. Dissolves and fades change no frame more than
    its neighbours; `transitions` tells how they are found.

    Args:
        request: what to look at and how.
        report: is told the percentage done.

    Raises:
        Permanent: `unreadable_media` if no picture can be decoded, `no_video` if there is no video stream.
        Transient: if the store cannot be reached.
    """
    spans = _spans(request)
    note = ""
    measures: Measures | None = None
    said = Rising(report)
    if len(spans) > 1:
        try:
            measures = joined(spans, measure_spans(_requests(request, spans), said.reached))
        except SpansDisagreeError as error:
            note = (
                f"Shots were searched in one pass, because parts of the video could not be joined: {error}. "
                "That takes longer; the result is the same."
            )
    if measures is None:
        spans = spans[:1]
        measures = _in_one_go(request, said.reached)
    if len(measures) == 0:
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "Not one picture of the source can be decoded.")
    cuts = _cuts(measures, request)
    return Detected(
        cuts=cuts,
        frame_rate=float(Fraction(*measures.frame_rate)),
        frames=len(measures),
        skipped=measures.skipped,
        transitions=gradual(measures.times, measures.pictures, cuts, request.shortest),
        spans=len(spans),
        note=note,
    )


class Rising:
    """Passes on percentages that are higher than any before.

    Args:
        report: is told them.
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._said = 0.0

    def reached(self, percent: float) -> None:
        """Take a percentage."""
        if percent > self._said:
            self._said = percent
            self._report(percent)


def _spans(request: DetectionRequest) -> tuple[Span, ...]:
    with open_store(request.store_url).open_media(request.key) as file:
        return planned(file, request.duration, request.span_seconds, request.processes, request.memory_bytes)


def _requests(request: DetectionRequest, spans: tuple[Span, ...]) -> list[SpanRequest]:
    edges = [request.duration * index / len(spans) for index in range(len(spans) + 1)]
    return [
        SpanRequest(
            store_url=request.store_url,
            key=request.key,
            longest_side=request.longest_side,
            span=span,
            start=start,
            end=end,
            threads=min(MOST_SPAN_THREADS, max(1, processors() // len(spans))),
        )
        for span, (start, end) in zip(spans, pairwise(edges), strict=True)
    ]


def _in_one_go(request: DetectionRequest, report: Callable[[float], None]) -> Measures:
    percents = Percents(0.0, max(request.duration, 1e-3), report)
    with open_store(request.store_url).open_media(request.key) as file:
        try:
            stream = DetectionStream(file, request.longest_side, percents.reached)
        except IndexError as error:
            raise Permanent(ErrorCode.NO_VIDEO, "The source has no video stream.") from error
        except av.FFmpegError as error:
            raise Permanent(ErrorCode.UNREADABLE_MEDIA, f"The source cannot be opened: {error.strerror}.") from error
        try:
            return measured(stream)
        finally:
            stream.close()


class _Replaying(AdaptiveDetector):  # type: ignore[misc]  # its library has no types
    """PySceneDetect's detector over scores that were measured before: a score takes the place of the picture."""

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
