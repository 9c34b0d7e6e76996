"""Scene detection, the part that runs in a child process: hostile pictures, heavy libraries."""

from collections.abc import Callable

import av
from clipmill.analyzer.detection_stream import DetectionStream
from clipmill.analyzer.shots import Detected, DetectionRequest
from clipmill.artifacts.store import open_store
from clipmill.contracts.failures import ErrorCode, Permanent
from scenedetect import AdaptiveDetector, SceneManager


def detect(request: DetectionRequest, report: Callable[[float], None]) -> Detected:
    """Find the cuts of a video with PySceneDetect's adaptive detector.

    The detector compares each frame's change of hue, saturation and brightness with that of the two frames before and
    after it, so that fast movement, which changes all of them, is no cut.

    Args:
        request: what to look at and how.
        report: is told the percentage done.

    Raises:
        Permanent: `unreadable_media` if no picture can be decoded, `no_video` if there is no video stream.
        Transient: if the store cannot be reached.
    """
    said = 0

    def seen(seconds: float) -> None:
        nonlocal said
        percent = int(100 * min(seconds / max(request.duration, seconds, 1e-3), 1.0))
        if percent > said:
            said = percent
            report(percent)

    with open_store(request.store_url).open_media(request.key) as file:
        try:
            stream = DetectionStream(file, request.longest_side, seen)
        except IndexError as error:
            raise Permanent(ErrorCode.NO_VIDEO, "The source has no video stream.") from error
        except av.FFmpegError as error:
            raise Permanent(ErrorCode.UNREADABLE_MEDIA, f"The source cannot be opened: {error.strerror}.") from error
        try:
            cuts = _cuts(stream, request)
        finally:
            stream.close()
    if stream.frame_number == 0:
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "Not one picture of the source can be decoded.")
    return Detected(
        cuts=tuple(cuts),
        frame_rate=float(stream.frame_rate),
        frames=stream.frame_number,
        skipped=stream.decode_failures,
    )


def _cuts(stream: DetectionStream, request: DetectionRequest) -> list[float]:
    manager = SceneManager()
    manager.auto_downscale = False  # the stream does it
    manager.add_detector(
        AdaptiveDetector(
            adaptive_threshold=request.threshold,
            min_scene_len=request.shortest,
            min_content_val=request.least_change,
        )
    )
    manager.detect_scenes(stream)
    scenes = manager.get_scene_list(start_in_scene=True)
    return [start.seconds for start, _ in scenes[1:]]
