"""Following faces through one shot: which detection is which person."""

from dataclasses import dataclass, field

from clipmill.renderer.faces import Box, Face

LEAST_OVERLAP = 0.15
"""IoU of a detection and a track's predicted box above which they are the same face."""

REACH = 0.9
"""Likewise, without overlap: how far the centres may be apart, in face widths. At 5 detections a second that is a head
that moves by 4 times its width in a second."""

LONGEST_GAP_SECONDS = 1.0
"""A face unseen for longer is a new one when it comes back: meanwhile it may have become another person's."""

JUMP_SECONDS = 0.5
"""If in a picture one known face is missing and one new face of its size is there, and the known one was seen this
short a while ago, they are one person who moved fast (or a cut that nobody noticed)."""

VELOCITY_SMOOTHING = 0.5
"""Weight of the newest step in a track's velocity."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face at a frame of the clip."""

    frame: int
    face: Face


@dataclass(slots=True)
class Track:
    """One person's face through a shot.

    Attributes:
        number: in order of appearance within the shot.
        sightings: in order of time, at least one.
        motion: at glances, frame and energy of the mouth's own motion, in order of time.
    """

    number: int
    sightings: list[Sighting]
    motion: list[tuple[int, float]] = field(default_factory=list)
    _velocity: tuple[float, float] = field(default=(0.0, 0.0))

    @property
    def last(self) -> Sighting:
        """The newest sighting."""
        return self.sightings[-1]

    def predicted(self, frame: int) -> Box:
        """Where the face would be at `frame`, were it to move on as it did."""
        steps = frame - self.last.frame
        box = self.last.face.box
        return Box(box.left + self._velocity[0] * steps, box.top + self._velocity[1] * steps, box.width, box.height)

    def add(self, sighting: Sighting) -> None:
        """Append a later sighting."""
        steps = max(1, sighting.frame - self.last.frame)
        here, there = self.last.face.box.centre, sighting.face.box.centre
        old, new = 1 - VELOCITY_SMOOTHING, VELOCITY_SMOOTHING / steps
        self._velocity = (
            old * self._velocity[0] + new * (there[0] - here[0]),
            old * self._velocity[1] + new * (there[1] - here[1]),
        )
        self.sightings.append(sighting)

    def within(self, first: int, last: int) -> list[Sighting]:
        """Return the sightings from frame `first` to frame `last`, both included."""
        return [sighting for sighting in self.sightings if first <= sighting.frame <= last]


class Tracker:
    """Joins the detections of one shot to tracks, nearest first.

    Args:
        rate: frames a second.
    """

    def __init__(self, rate: float) -> None:
        self.tracks: list[Track] = []
        self._longest_gap = LONGEST_GAP_SECONDS * rate
        self._longest_jump = JUMP_SECONDS * rate

    def update(self, frame: int, faces: list[Face]) -> None:
        """Take in the faces found at `frame`, later than all before."""
        alive = [track for track in self.tracks if frame - track.last.frame <= self._longest_gap]
        pairs = sorted(
            (
                (likeness, track.number, index)
                for track in alive
                for index, face in enumerate(faces)
                if (likeness := _likeness(track.predicted(frame), face.box)) > 0
            ),
            reverse=True,
        )
        taken_tracks: set[int] = set()
        taken_faces: set[int] = set()
        for _, number, index in pairs:
            if number not in taken_tracks and index not in taken_faces:
                taken_tracks.add(number)
                taken_faces.add(index)
                self.tracks[number].add(Sighting(frame, faces[index]))
        fresh = [Sighting(frame, face) for index, face in enumerate(faces) if index not in taken_faces]
        missing = [
            track
            for track in alive
            if track.number not in taken_tracks and frame - track.last.frame <= self._longest_jump
        ]
        if len(fresh) == len(missing) == 1 and _same_size(missing[0].last.face.box, fresh[0].face.box):
            missing[0].add(fresh[0])
        else:
            self.tracks += [Track(len(self.tracks) + place, [sighting]) for place, sighting in enumerate(fresh)]


def _likeness(predicted: Box, found: Box) -> float:
    """How well two boxes go together: above 1 if they overlap, to 1 if they are near, 0 if they are not one face."""
    if not _same_size(predicted, found):
        return 0.0
    overlap = predicted.overlap(found)
    if overlap >= LEAST_OVERLAP:
        return 1 + overlap
    (x, y), (u, v) = predicted.centre, found.centre
    distance = ((x - u) ** 2 + (y - v) ** 2) ** 0.5 / max(predicted.width, found.width)
    return 1 - distance / REACH if distance < REACH else 0.0


def _same_size(one: Box, other: Box) -> bool:
    return 0.5 <= max(one.width, 1e-6) / max(other.width, 1e-6) <= 2
