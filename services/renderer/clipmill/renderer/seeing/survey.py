"""A cheap look at the whole clip before anything of it is drawn: who is where, and whose mouth moves.

What is kept is numbers: boxes and motion of a few faces some times a second, so that a clip's length hardly matters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from clipmill.renderer.audio.sound import Sound
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.pipeline import Ahead
from clipmill.renderer.reading.source import Glance, Source
from clipmill.renderer.seeing.faces import Box, Face, FaceDetector
from clipmill.renderer.seeing.looking import Looked, looked
from clipmill.renderer.seeing.mouths import Cutout, motion
from clipmill.renderer.seeing.tracking import Sighting, Track, Tracker
from clipmill.renderer.shots import Span

GLANCES_READ = 40
"""Most glances and pieces of sound that wait to be looked at while the next ones are decoded. About every fifth is a
glance: at 1080p these are 25 MB."""

GLANCES_SEARCHED = 24
"""Most that wait for their mouths to be looked at while the next ones are searched for faces."""

MOST_MOUTHS = 4
"""Mouths watched at a time, those of the largest faces: with more people a shot is a group."""


@dataclass(frozen=True, slots=True)
class SurveyedShot:
    """What was seen of a shot.

    Attributes:
        span: its frames.
        looks: the frames that were searched for faces, in order; those of the tracks' sightings are among them.
        tracks: the people seen, in order of appearance.
    """

    span: Span
    looks: tuple[int, ...]
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of a clip. Boxes are in shown pixels of the pictures that will be drawn.

    Attributes:
        rate: frames a second.
        width: of those pictures, shown pixels.
        height: likewise.
        shots: together all frames of the clip.
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
    """Look at a clip: at glances of its pictures, and at all its sound.

    Args:
        source: of the clip.
        start: seconds of the source, on the frame grid.
        frames: of the clip.
        spans: the clip's shots, which together are all its frames.
        detector: what finds faces.
        soundtrack: takes the sound, and is finished.
        report: called with the part done, 0 to 1.
        faces_per_second: how often faces are looked for.

    Raises:
        Permanent: with `unreadable_media` as `Source.glances` does.
    """
    rate, (width, height) = float(source.rate), source.size
    watches = [_Watch(span, rate) for span in spans]
    with (
        Ahead(source.glances(start, frames), GLANCES_READ, "glancing") as glances,
        Ahead(looked(glances, spans, detector, rate, faces_per_second), GLANCES_SEARCHED, "looking") as looks,
    ):
        for seen in looks:
            if isinstance(seen, Sound):
                soundtrack.lay(seen)
                continue
            watches[seen.shot].take(seen, height / seen.glance.picture.height)
            report(min(1.0, (seen.glance.frame + 1) / frames))
    soundtrack.finish()
    return Survey(rate, width, height, tuple(watch.shot() for watch in watches))


@dataclass(frozen=True, slots=True)
class _Held:
    """A glance that waits until it is known where the faces are in it; `scale` makes its pixels those of pictures."""

    glance: Glance
    scale: float


class _Watch:
    """Tracks the faces of one shot and measures their mouths; holds the glances since the last look."""

    def __init__(self, span: Span, rate: float) -> None:
        self._span = span
        self._rate = rate
        self._tracker = Tracker(rate)
        self._looks: list[int] = []
        self._held: list[_Held] = []

    def take(self, seen: Looked, scale: float) -> None:
        """Take the next glance of the shot, or the last one again with its faces."""
        if not self._held or seen.glance is not self._held[-1].glance:
            self._held.append(_Held(seen.glance, scale))
        if seen.faces is not None:
            self._look([scaled(face, scale) for face in seen.faces])

    def shot(self) -> SurveyedShot:
        """Return what was seen."""
        return SurveyedShot(self._span, tuple(self._looks), tuple(self._tracker.people()))

    def _look(self, faces: list[Face]) -> None:
        """Take in the faces found in the newest glance, then look at the mouths in all since the last look."""
        frame = self._held[-1].glance.frame
        self._tracker.update(frame, faces)
        self._looks.append(frame)
        watched = [track for track in self._tracker.tracks if self._seen_twice(track)]
        if len(watched) > 1:  # with one person there is nobody else who might speak
            for track in sorted(watched, key=lambda track: -track.last.face.box.width)[:MOST_MOUTHS]:
                self._measure(track)
        del self._held[:-1]

    def _seen_twice(self, track: Track) -> bool:
        """Whether the face was found at this look and at the one before."""
        return [sighting.frame for sighting in track.sightings[-2:]] == self._looks[-2:] and len(self._looks) > 1

    def _measure(self, track: Track) -> None:
        """Add to `track` how its mouth moved from each held glance to the next."""
        before, after = track.sightings[-2:]
        width = (before.face.box.width + after.face.box.width) / 2
        cutouts = [
            (held.glance.frame, Cutout(held.glance.picture, self._face(held, before, after), width / held.scale))
            for held in self._held
        ]
        for (first, one), (second, other) in pairwise(cutouts):
            moved = motion(one, other)
            if moved is not None:
                track.motion.append((second, moved * self._rate / (second - first)))

    def _face(self, held: _Held, before: Sighting, after: Sighting) -> Face:
        """Return where the face is in a glance between two looks, in the glance's pixels."""
        part = (held.glance.frame - before.frame) / (after.frame - before.frame)
        return scaled(between(before.face, after.face, part), 1 / held.scale)


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
