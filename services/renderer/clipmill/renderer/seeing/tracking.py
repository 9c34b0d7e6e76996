"""Following faces through one shot: each detection is assigned to a person's track.

Each track predicts its place at constant velocity. All detections of a frame are assigned to the tracks at once, with
the greatest sum of likenesses (the assignment problem, as in "Simple Online and Realtime Tracking", Bewley et al.,
2016). A detection without a track begins a new one, unless it is somebody who has come back.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from clipmill.renderer.seeing.faces import Box, Face

REACH = 0.9
"""Largest distance of a detection from a track's predicted place, in face widths. At 6 detections a second it
allows a head to change its speed by 5 face widths a second."""

SAME_SIZE = 2.0
"""Largest ratio between the sizes of a detection and the track's last one."""

SIZE_WEIGHT = 0.7
"""Cost of a size twice as large, in face widths of distance: people who pass each other keep their sizes."""

LONGEST_GAP_SECONDS = 1.0
"""Longest time unseen after which a face continues its track; later it may come back under stricter rules."""

COASTING_SECONDS = 0.5
"""Time for which an unseen face is predicted to move on; then it is expected at the place it has reached."""

JUMP_SECONDS = 0.5
"""Longest time unseen after which a missing face and a new one count as one person who moved fast (or as two sides of
an undetected cut), if no other face is new and no other of about its size is missing."""

BACK_SECONDS = 15.0
"""Longest absence after which a person may come back: they turned away, bent down, walked out on one side."""

BACK_REACH = 1.0
"""Largest distance from the last detection at which people come back, in face widths. The only person of a shot may
come back anywhere."""

BACK_SIZE = 1.6
"""Largest ratio between a person's sizes before and after an absence."""

VELOCITY_SMOOTHING = 0.5
"""Weight of the newest step in a track's velocity."""

LEAST_DETECTIONS = 3
"""Detections below which a face is a mistake of the detector, unless half of the detection frames show it."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face at a frame of the clip."""

    frame: int
    face: Face


@dataclass(slots=True)
class Track:
    """One person's face through a shot.

    Attributes:
        number: Number of the track in order of appearance within the shot.
        detections: Detections in order of time, at least one.
        motion: Frame and speed of the mouth's own motion, in face widths a second, at each sample with another face, in
            order of time.
    """

    number: int
    detections: list[Detection]
    motion: list[tuple[int, float]] = field(default_factory=list)
    _velocity: tuple[float, float] = field(default=(0.0, 0.0))

    @property
    def last(self) -> Detection:
        """The newest detection."""
        return self.detections[-1]

    def predicted(self, frame: int, longest: float = float("inf")) -> Box:
        """Return the face's place at `frame` if it moves on as before for at most `longest` frames."""
        steps = min(frame - self.last.frame, longest)
        box = self.last.face.box
        return Box(box.left + self._velocity[0] * steps, box.top + self._velocity[1] * steps, box.width, box.height)

    def add(self, detection: Detection) -> None:
        """Append a later detection."""
        steps = max(1, detection.frame - self.last.frame)
        here, there = self.last.face.box.centre, detection.face.box.centre
        new = VELOCITY_SMOOTHING if len(self.detections) > 1 else 1.0
        self._velocity = (
            (1 - new) * self._velocity[0] + new * (there[0] - here[0]) / steps,
            (1 - new) * self._velocity[1] + new * (there[1] - here[1]) / steps,
        )
        self.detections.append(detection)

    def back(self, detection: Detection) -> None:
        """Append a detection after an absence, which says nothing of the face's velocity."""
        self._velocity = (0.0, 0.0)
        self.detections.append(detection)

    def within(self, first: int, last: int) -> list[Detection]:
        """Return the detections from frame `first` to frame `last`, both included."""
        return [detection for detection in self.detections if first <= detection.frame <= last]


class Tracker:
    """Joins the detections of one shot to tracks.

    Args:
        rate: Frames per second.
    """

    def __init__(self, rate: float) -> None:
        self.tracks: list[Track] = []
        self._rate = rate
        self._frame_count = 0

    def update(self, frame: int, faces: list[Face]) -> None:
        """Assign the faces found at `frame`, which is later than all before, to tracks."""
        self._frame_count += 1
        alive = [track for track in self.tracks if frame - track.last.frame <= LONGEST_GAP_SECONDS * self._rate]
        coasting = COASTING_SECONDS * self._rate
        likeness = np.array(
            [[_likeness(track.predicted(frame, coasting), face.box) for face in faces] for track in alive]
        ).reshape(len(alive), len(faces))
        pairs = [(row, column) for row, column in assigned(likeness) if likeness[row, column] > 0]
        for row, column in pairs:
            alive[row].add(Detection(frame, faces[column]))
        taken = {column for _, column in pairs}
        self._begin(frame, [face for column, face in enumerate(faces) if column not in taken])

    def people(self) -> list[Track]:
        """Return the tracks that are people, without stray detections; the others are mistakes of the detector."""
        for track in self.tracks:
            track.detections = _without_strays(track.detections)
        return [track for track in self.tracks if len(track.detections) >= min(LEAST_DETECTIONS, self._frame_count / 2)]

    def _begin(self, frame: int, fresh: list[Face]) -> None:
        """Give each new face to the person it may be, or begin a track for it."""
        fresh = [face for face in fresh if not self._replaces_stray(frame, face)]
        jumped = [
            track
            for track in self.tracks
            if 0 < frame - track.last.frame <= JUMP_SECONDS * self._rate and len(fresh) == 1
            if _ratio(track.last.face.box, fresh[0].box) <= SAME_SIZE
        ]
        if len(jumped) == 1:
            jumped[0].back(Detection(frame, fresh[0]))
            return
        for face in fresh:
            gone = [track for track in self.tracks if self._may_be_back(track, frame, face)]
            if gone:
                nearest = min(gone, key=lambda track: _distance(track.last.face.box, face.box))
                nearest.back(Detection(frame, face))
            else:
                self.tracks.append(Track(len(self.tracks), [Detection(frame, face)]))

    def _replaces_stray(self, frame: int, face: Face) -> bool:
        """Put `face` in the place of a track's newest detection if that was a stray, and return whether it was.

        A stray is far from the detection before it, while `face`, soon after the stray, is near that earlier detection.
        """
        strayed = [track for track in self.tracks if self._has_strayed_from(track, frame, face)]
        if not strayed:
            return False
        nearest = min(strayed, key=lambda track: _distance(track.detections[-2].face.box, face.box))
        nearest.detections.pop()
        nearest.back(Detection(frame, face))
        return True

    def _has_strayed_from(self, track: Track, frame: int, face: Face) -> bool:
        if len(track.detections) < 2 or track.last.frame == frame:
            return False
        before, stray = track.detections[-2], track.last.face.box
        if frame - before.frame > LONGEST_GAP_SECONDS * self._rate:
            return False
        far = min(_distance(before.face.box, stray), _distance(stray, face.box)) > REACH
        near = _distance(before.face.box, face.box) <= REACH and _ratio(before.face.box, face.box) <= SAME_SIZE
        return far and near

    def _may_be_back(self, track: Track, frame: int, face: Face) -> bool:
        away = (frame - track.last.frame) / self._rate
        if not 0 < away <= BACK_SECONDS or _ratio(track.last.face.box, face.box) > BACK_SIZE:
            return False
        near = _distance(track.last.face.box, face.box) <= BACK_REACH
        return near or (away > JUMP_SECONDS and len(self.people()) == 1 and self.people()[0] is track)


def assigned(likeness: Floats) -> list[tuple[int, int]]:
    """Return the pairs of row and column with the greatest sum; the shorter side is assigned completely.

    This is the Hungarian method with potentials and shortest augmenting paths (Jonker and Volgenant, 1987): exact, and
    cubic in the number of faces.

    Args:
        likeness: Likeness of tracks (rows) and faces (columns).
    """
    if likeness.shape[0] > likeness.shape[1]:
        return sorted((row, column) for column, row in assigned(likeness.T))
    rows, columns = likeness.shape
    of_row, of_column = np.zeros(rows + 1), np.zeros(columns + 1)  # the potentials
    row_at = np.zeros(columns + 1, np.int64)  # rows count from 1, 0 is none; column 0 holds the row to be placed
    for row in range(1, rows + 1):
        row_at[0] = row
        column = 0
        shortest, came_from = np.full(columns + 1, np.inf), np.zeros(columns + 1, np.int64)
        done = np.zeros(columns + 1, np.bool_)
        while row_at[column]:
            done[column] = True
            here = row_at[column]
            reduced = -likeness[here - 1] - of_row[here] - of_column[1:]
            better = ~done[1:] & (reduced < shortest[1:])
            shortest[1:][better] = reduced[better]
            came_from[1:][better] = column
            following = int(np.argmin(np.where(done, np.inf, shortest)[1:])) + 1
            step = shortest[following]
            of_row[row_at[done]] += step
            of_column[done] -= step
            shortest[~done] -= step
            column = following
        while column:
            row_at[column] = row_at[came_from[column]]
            column = int(came_from[column])
    return sorted((int(row_at[column]) - 1, column - 1) for column in range(1, columns + 1) if row_at[column])


def _likeness(expected: Box, found: Box) -> float:
    """Return how well two boxes match: 1 if they are equal, 0 if they are not one face."""
    ratio = _ratio(expected, found)
    if ratio > SAME_SIZE:
        return 0.0
    distance = _distance(expected, found) / REACH
    if distance >= 1:
        return 0.0
    return max(1e-6, 1 - 0.5 * distance - 0.5 * SIZE_WEIGHT * float(np.log2(ratio)))


def _without_strays(detections: list[Detection]) -> list[Detection]:
    """Return `detections` without those that are far from both neighbours while these are near each other."""
    kept = detections[:1]
    for here, after in pairwise(detections[1:]):
        before = kept[-1].face.box
        far = min(_distance(before, here.face.box), _distance(here.face.box, after.face.box)) > REACH
        if not (far and _distance(before, after.face.box) <= REACH):
            kept.append(here)
    return kept + detections[1:][-1:]


def _distance(one: Box, other: Box) -> float:
    """Return the distance of the centres, in widths of the larger box."""
    (x, y), (u, v) = one.centre, other.centre
    return float(np.hypot(x - u, y - v)) / max(one.width, other.width, 1e-6)


def _ratio(one: Box, other: Box) -> float:
    larger, smaller = max(one.width, other.width), min(one.width, other.width)
    return larger / max(smaller, 1e-6)
