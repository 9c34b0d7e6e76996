"""The measures of frames: the difference of each from the one before, and its thumbnail."""

from array import array

import cv2  # installed with PySceneDetect, which works on its pictures
import numpy as np
from clipmill.analyzer.scenes.chunk_request import THUMBNAIL_SIDE, Measures
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from numpy.typing import NDArray
from scenedetect import ContentDetector, FrameTimecode, SceneManager


class _Recorder(ContentDetector):  # type: ignore[misc]  # its library has no types
    """A detector that records PySceneDetect's score of each frame and finds no cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = array("q")
        self.scores = array("d")
        self.thumbnails = bytearray()

    def process_frame(self, timecode: FrameTimecode, frame_img: NDArray[np.uint8]) -> list[FrameTimecode]:
        """Measure a frame; PySceneDetect calls this method and names its arguments."""
        self.ticks.append(timecode.pts)
        self.scores.append(self._calculate_frame_score(timecode, frame_img))
        side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        small = cv2.cvtColor(cv2.resize(frame_img, side, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        self.thumbnails += small.tobytes()
        return []


def measured(stream: DetectionStream) -> Measures:
    """Read all of `stream` and return the measures of its frames.

    Raises:
        Transient: if the store cannot be reached.
    """
    cv2.setNumThreads(1)  # small pictures are done before threads have shared them out
    recorder = _Recorder()
    manager = SceneManager()
    manager.auto_downscale = False  # the stream does it
    manager.add_detector(recorder)
    manager.detect_scenes(stream)
    time_base, rate = stream.time_base, stream.frame_rate
    return Measures(
        ticks=recorder.ticks.tobytes(),
        scores=recorder.scores.tobytes(),
        thumbnails=bytes(recorder.thumbnails),
        origin=stream.origin,
        time_base=(time_base.numerator, time_base.denominator),
        frame_rate=(rate.numerator, rate.denominator),
        skipped=stream.decode_failures,
    )
