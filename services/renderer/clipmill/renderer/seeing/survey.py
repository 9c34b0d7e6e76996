"""A cheap survey of the whole clip before anything of it is drawn: people's places and the motion of their mouths.

The survey keeps only numbers: boxes and motion of a few faces, some times a second. So it takes little memory even for
a long clip.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.pipeline import Prefetch
from clipmill.renderer.reading.source import FrameSample, Source
from clipmill.renderer.seeing.detection import ShotSample, detect_faces
from clipmill.renderer.seeing.faces import Box, Face, FaceDetector
from clipmill.renderer.seeing.mouths import Cutout, motion
from clipmill.renderer.seeing.tracking import Detection, Track, Tracker
from clipmill.renderer.shots import Span

SAMPLES_READ = 40
"""Most samples and pieces of sound that wait for face detection while the next ones are decoded. About every fifth is
a sample: at 1080p these take 25 MB."""

SAMPLES_SEARCHED = 24
"""Most samples and pieces of sound that wait for tracking while the next ones are searched for faces."""

MOST_MOUTHS = 4
"""Mouths measured at a time, those of the largest faces: with more people a shot is a group."""


@dataclass(frozen=True, slots=True)
class SurveyedShot:
    """The result of a survey for one shot.

    Attributes:
        span: Frames of the shot.
        detection_frames: Frames that were searched for faces, in order; the tracks' detections are at such frames.
        tracks: People seen, in order of appearance.
    """

    span: Span
    detection_frames: tuple[int, ...]
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """The result of a survey for a clip. Boxes are in shown pixels of the pictures that will be drawn.

    Attributes:
        rate: Frames per second.
        width: Width of those pictures, in shown pixels.
        height: Height of those pictures, in shown pixels.
        shots: Shots, which together are all frames of the clip.
    """

    rate: float
    width: float
    height: float
    shots: tuple[SurveyedShot, ...]


def survey(
    source: Source,
    start: float,
    frames: int,
    spans: Sequence[Span],
    detector: FaceDetector,
    *,
    soundtrack: Soundtrack,
    report: Callable[[float], None],
    faces_per_second: float = 6,
) -> Survey:
    """Survey a clip: read samples of its pictures and all its sound.

    Args:
        source: Source of the clip.
        start: Start of the clip, in seconds of the source, on the frame grid.
        frames: Number of the clip's frames.
        spans: The clip's shots, which together are all its frames.
        detector: Detector that finds the faces.
        soundtrack: Soundtrack that takes the sound and is then finished.
        report: Function that is called with the share done, 0 to 1.
        faces_per_second: Samples to search for faces per second.

    Raises:
        Permanent: with `unreadable_media` as `Source.frame_samples` does.
    """
    rate, (width, height) = float(source.rate), source.size
    observers = [_ShotObserver(span, rate) for span in spans]
    with (
        Prefetch(source.frame_samples(start, frames), SAMPLES_READ, "sampling") as samples,
        Prefetch(
            detect_faces(samples, spans, detector, rate, faces_per_second), SAMPLES_SEARCHED, "detecting"
        ) as found,
    ):
        for seen in found:
            if isinstance(seen, Sound):
                soundtrack.lay(seen)
                continue
            observers[seen.shot].take(seen, height / seen.sample.picture.height)
            report(min(1.0, (seen.sample.frame + 1) / frames))
    soundtrack.finish()
    return Survey(rate, width, height, tuple(observer.shot() for observer in observers))


@dataclass(frozen=True, slots=True)
class _PendingSample:
    """A sample that waits until its faces are known; its pixels times `scale` are those of the clip's pictures."""

    sample: FrameSample
    scale: float


class _ShotObserver:
    """Tracks the faces of one shot and measures their mouths; holds the samples since the last detection frame."""

    def __init__(self, span: Span, rate: float) -> None:
        self._span = span
        self._rate = rate
        self._tracker = Tracker(rate)
        self._frames: list[int] = []
        self._pending: list[_PendingSample] = []

    def take(self, seen: ShotSample, scale: float) -> None:
        """Take the next sample of the shot, or the last one again with its faces."""
        if not self._pending or seen.sample is not self._pending[-1].sample:
            self._pending.append(_PendingSample(seen.sample, scale))
        if seen.faces is not None:
            self._detected([scaled(face, scale) for face in seen.faces])

    def shot(self) -> SurveyedShot:
        """Return the result for the shot."""
        return SurveyedShot(self._span, tuple(self._frames), tuple(self._tracker.people()))

    def _detected(self, faces: list[Face]) -> None:
        """Track the faces found in the newest sample, then measure the mouths in all samples that wait."""
        frame = self._pending[-1].sample.frame
        self._tracker.update(frame, faces)
        self._frames.append(frame)
        observed = [track for track in self._tracker.tracks if self._seen_twice(track)]
        if len(observed) > 1:  # with one person there is nobody else who might speak
            for track in sorted(observed, key=lambda track: -track.last.face.box.width)[:MOST_MOUTHS]:
                self._measure(track)
        del self._pending[:-1]

    def _seen_twice(self, track: Track) -> bool:
        """Return whether the face was found at the last two detection frames."""
        return [detection.frame for detection in track.detections[-2:]] == self._frames[-2:] and len(self._frames) > 1

    def _measure(self, track: Track) -> None:
        """Add to `track` how its mouth moved from each pending sample to the next."""
        before, after = track.detections[-2:]
        width = (before.face.box.width + after.face.box.width) / 2
        cutouts = [
            (
                pending.sample.frame,
                Cutout(pending.sample.picture, self._face(pending, before, after), width / pending.scale),
            )
            for pending in self._pending
        ]
        for (first, one), (second, other) in pairwise(cutouts):
            moved = motion(one, other)
            if moved is not None:
                track.motion.append((second, moved * self._rate / (second - first)))

    def _face(self, pending: _PendingSample, before: Detection, after: Detection) -> Face:
        """Return the face in a sample between two detection frames, in the sample's pixels."""
        part = (pending.sample.frame - before.frame) / (after.frame - before.frame)
        return scaled(between(before.face, after.face, part), 1 / pending.scale)


def scaled(face: Face, scale: float) -> Face:
    """Return `face` in a picture `scale` times as large."""
    box = face.box
    return replace(
        face,
        box=Box(box.left * scale, box.top * scale, box.width * scale, box.height * scale),
        eyes=face.eyes * scale,
        mouth=(face.mouth[0] * scale, face.mouth[1] * scale),
    )


def between(one: Face, other: Face, part: float) -> Face:
    """Return the face that is `part` of the way from `one` (0) to `other` (1)."""

    def mixed(a: float, b: float) -> float:
        return (1 - part) * a + part * b

    here, there = one.box, other.box
    return Face(
        Box(
            mixed(here.left, there.left),
            mixed(here.top, there.top),
            mixed(here.width, there.width),
            mixed(here.height, there.height),
        ),
        mixed(one.eyes, other.eyes),
        mixed(one.score, other.score),
        (mixed(one.mouth[0], other.mouth[0]), mixed(one.mouth[1], other.mouth[1])),
    )
