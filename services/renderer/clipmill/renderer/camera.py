"""The virtual camera: where the crop's centre is at each frame of a shot, one axis at a time.

It behaves like an operator with a tripod. While the subject stays inside a dead zone the camera does not move at all.
When the subject is about to leave it, the camera follows along the smoothest path that keeps the face in the picture,
and it rests again when the subject does. The path is the minimiser over the look-ahead of

    sum of seen (x - face)^2  +  SMOOTHNESS * (acceleration)^2  +  REST * unseen (speed)^2

with the face inside the crop and the crop inside the picture as hard limits: a smoothing spline in a tube. Being fitted
to what comes as well as to what was, it neither lags nor overshoots. The box-constrained quadratic program is solved by
ADMM (Boyd et al., "Distributed Optimization and Statistical Learning via ADMM", 2011, section 5.2). Planning happens
again whenever faces were looked for (a receding horizon): the first frames of each plan are kept, position and speed
carry over to the next.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DEAD_ZONE = 0.09
"""Half of the zone in which the subject may move freely, in crop lengths."""

SETTLED = 0.5
"""Part of the dead zone in which the subject must be for the camera to come to rest."""

RESTING_SPEED = 0.012
"""Crop lengths a second: slower is taken for standing still."""

HOLD_SECONDS = 1.0
"""How far into the future a camera at rest looks for a reason to move."""

SMOOTHNESS = 0.03
"""s^4: a smoothing spline of this weight halves movements of 0.38 Hz (1 / 2 pi * SMOOTHNESS^-1/4): nodding and swaying
go, walking stays."""

REST = 0.5
"""s^2: while nobody is seen the camera coasts to a halt."""

MARGIN = 1.12
"""Room around a face, in face lengths, that must stay in the picture."""

LEAST_SLACK = 0.03
"""Crop lengths: how exactly a face that fills the crop is centred."""

ITERATIONS = 80
PENALTY = 4.0
"""ADMM's number of steps and its rho, relative to the weight of one frame; found by trying on drifts and jumps."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Course:
    """Where the subject is along one axis during the frames to plan for.

    Attributes:
        centre: of the subject at each frame, shown pixels; NaN where it is not seen.
        extent: half the subject's length at each frame, shown pixels; NaN likewise.
    """

    centre: Floats
    extent: Floats

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """At which frames the subject is seen."""
        return ~np.isnan(self.centre)


class AxisCamera:
    """The crop's centre along one axis during one shot.

    Args:
        crop: length of the crop, shown pixels.
        picture: length of the whole picture, shown pixels, at least `crop`.
        rate: frames a second.
    """

    def __init__(self, crop: float, picture: float, rate: float) -> None:
        self._crop = crop
        self._low, self._high = crop / 2, max(crop / 2, picture - crop / 2)
        self._step = 1 / rate
        self._position: float | None = None
        self._velocity = 0.0
        self._resting = True

    def plan(self, course: Course, count: int) -> Floats:
        """Return the centre at the next `count` frames and move there.

        Args:
            course: of the subject from the next frame to the end of the look-ahead or the shot; at least `count` long.
            count: how many frames.
        """
        if self._high - self._low < 1e-6:
            return np.full(count, self._low)
        if self._position is None:
            self._place(course)
        if self._resting and self._may_rest(course):
            return np.full(count, self._position)
        path = self._follow(course)[:count]
        previous = path[-2] if count > 1 else self._position
        self._velocity = float(path[-1] - (path[-1] if previous is None else previous)) / self._step
        self._position = float(path[-1])
        self._resting = self._has_settled(course, count)
        if self._resting:
            self._velocity = 0.0
        return path

    def _place(self, course: Course) -> None:
        """Choose where the shot begins: no movement leads up to it."""
        if not course.seen.any():
            self._position = (self._low + self._high) / 2
            return
        ahead = np.clip(course.centre[course.seen], self._low, self._high)
        if np.ptp(ahead) > 2 * DEAD_ZONE * self._crop:
            soon = course.seen[: round(HOLD_SECONDS / self._step)].sum()
            ahead = ahead[: max(1, soon)]
        self._position = float(np.min(ahead) + np.max(ahead)) / 2
        if not self._may_rest(course):
            self._position = None
            path = self._follow(course)
            self._position = float(path[0])
            self._velocity = float(path[1] - path[0]) / self._step if len(path) > 1 else 0.0
            self._resting = False

    def _may_rest(self, course: Course) -> bool:
        return self._inside(course, DEAD_ZONE * self._crop)

    def _has_settled(self, course: Course, count: int) -> bool:
        later = Course(course.centre[count:], course.extent[count:])
        if abs(self._velocity) > RESTING_SPEED * self._crop:
            return False
        return self._inside(later, SETTLED * DEAD_ZONE * self._crop)

    def _inside(self, course: Course, zone: float) -> bool:
        """Whether the subject, as far as the picture's edge lets the camera follow, stays within `zone` for a while."""
        near = course.centre[: max(1, round(HOLD_SECONDS / self._step))]
        near = np.clip(near[~np.isnan(near)], self._low, self._high)
        return self._position is not None and bool(np.all(np.abs(near - self._position) <= zone))

    def _follow(self, course: Course) -> Floats:
        count, step, seen = len(course.centre), self._step, course.seen
        face = np.clip(np.where(seen, course.centre, 0.0), self._low, self._high)
        slack = np.maximum(self._crop / 2 - MARGIN * course.extent, LEAST_SLACK * self._crop)
        low = np.where(seen, np.clip(course.centre - slack, self._low, self._high), self._low)
        high = np.where(seen, np.clip(course.centre + slack, self._low, self._high), self._high)
        # Rows of second differences reach back to the two positions before the first frame, where there are any.
        second = np.diff(np.eye(count + 2), n=2, axis=0) / step**2
        first = np.diff(np.eye(count + 1), axis=0) / step
        rest = np.sqrt(REST) * ~seen
        if self._position is None:
            before = np.zeros(2)
            second, first, rest = second[2:, 2:], first[1:, 1:], rest[1:]
            known_second, known_first = np.zeros(len(second)), np.zeros(len(first))
        else:
            before = self._position - np.array([self._velocity * step, 0.0])
            known_second, known_first = second[:, :2] @ before, first[:, 0] * before[1]
            second, first = second[:, 2:], first[:, 1:]
        pull = SMOOTHNESS * second.T
        halt = first.T * rest**2
        matrix = np.diag(seen.astype(float)) + pull @ second + halt @ first + np.eye(count) * 1e-9
        target = seen * face - pull @ known_second - halt @ known_first
        return np.clip(_solved(matrix, target, low, high), self._low, self._high)


def _solved(matrix: Floats, target: Floats, low: Floats, high: Floats) -> Floats:
    """Minimise x'Mx/2 - t'x with low <= x <= high, by ADMM."""
    free = np.linalg.solve(matrix, target)
    if np.all(free >= low) and np.all(free <= high):
        return np.asarray(free, np.float64)
    inverse = np.linalg.inv(matrix + PENALTY * np.eye(len(target)))
    inside = np.clip(free, low, high)
    dual = np.zeros_like(inside)
    x: Floats = inside
    for _ in range(ITERATIONS):
        x = np.asarray(inverse @ (target + PENALTY * (inside - dual)), np.float64)
        inside = np.clip(x + dual, low, high)
        dual += x - inside
    return x
