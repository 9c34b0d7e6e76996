"""The calmest path through a tube: a camera's place along one axis, solved for a whole shot at once.

The path is the minimiser over x(t), in crop lengths and seconds, of

    integral of  w (|x - f|_Z + ASIDE |x - f|_T)  +  STILLNESS |x'|  +  SMOOTHNESS / 2 (x'')^2   with  low <= x <= high

where f is the subject's best place, w is 1 while the subject is seen and else 0, and |d|_Z = max(0, |d| - Z) lets the
subject move freely in a dead zone. Outside the middle third (T) its distance counts several times. The absolute value
of the speed makes the camera stand still, exactly, most of the time, and never turn back without need: paths under an
L1 penalty of the first derivative consist of constant parts, as in Grundmann, Kwatra and Essa, "Auto-directed video
stabilization with robust L1 optimal camera paths" (CVPR 2011), whose inclusion constraint is the tube here. The costs
of place and speed are absolute values, so a move of any length pays if the subject stays away for STILLNESS seconds
(twice that if it comes back), or for a third of that outside the middle third. The square of the acceleration takes
the place of that paper's L1 penalties of second and third derivatives: one number sets how gently a move begins and
ends (a smoothing spline, which has no kinks).

The path is sampled at knots. That makes a convex quadratic program with a banded matrix, solved by a primal-dual
interior-point method (Boyd and Vandenberghe, "Convex Optimization", 2004, section 11.7), each absolute value |g| being
min t with -t <= g <= t, whose t and multipliers are eliminated one by one (as in Kim, Koh, Boyd and Gorinevsky, "l1
trend filtering", SIAM Review 2009). A Newton step costs one solution with five diagonals.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DEAD_ZONE = 0.04
"""Half of the zone in which the subject may move freely, in crop lengths: heads sway by that much."""

THIRD = 1 / 6
"""Half of the middle third, in crop lengths: a subject that stays beyond the lines of thirds looks misframed."""

ASIDE = 2.0
"""Additional cost of distance beyond the lines of thirds, relative to the cost inside: with it, the camera follows a
subject that stays outside for a second and comes back."""

LOCKED_ZONE = 0.1
"""Half of the zone for a camera that stands still from beginning to end: no move at all is worth more sway."""

LOCKED_SHARE = 0.95
"""Least part of the time for which the subject must be in LOCKED_ZONE."""

STILLNESS = 1.5
"""Seconds that a subject must be somewhere else before the camera follows (twice as long if it comes back)."""

SMOOTHNESS = 0.03
"""s^4 (a cost per crop length, squared). A move by half a crop takes about a second: easing over T costs about d T / 4
of distance and 6 SMOOTHNESS d^2 / T^3 of acceleration, which together are least at T^4 = 72 SMOOTHNESS d."""

LEAST_WIDTH = 1e-3
"""Crop lengths to which a narrower tube is widened: every tube has a path through it."""

STANDING = 2e-5
"""Crop lengths between two knots below which the difference is rounding: about a hundredth of a pixel."""

LEAST_MOVE = 0.03
"""Crop lengths below which no camera leaves its place."""

STEPS = 60
"""Most Newton steps; 15 to 30 are usual."""

DECREASE = 0.15
"""Part of the complementarity gap that each step aims to leave."""

PRECISION = 1e-9
"""Mean complementarity at which the path counts as found, in the cost's units."""

BACK_OFF = 0.99
"""Part of the way to the nearest limit that a step may go."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tube:
    """The requirements of a path at each knot, in crop lengths.

    Attributes:
        wanted: Best place of the camera for the subject; any number where `weight` is 0.
        weight: Weight of that place, 0 to 1.
        low: Lowest place that the path may take.
        high: Highest place that the path may take.
    """

    wanted: Floats
    weight: Floats
    low: Floats
    high: Floats


def calmest(tube: Tube, step: float) -> Floats:
    """Return the path at the knots; parts that stand still are equal to the last bit.

    Args:
        tube: Requirements at the knots; where the limits cross, the path goes between them.
        step: Time from knot to knot, in seconds.
    """
    gap = np.maximum(LEAST_WIDTH - (tube.high - tube.low), 0) / 2
    low, high = tube.low - gap, tube.high + gap
    locked = _locked(tube, float(low.max()), float(high.min()))
    if locked is not None:
        return np.full(len(low), locked)
    if len(low) < 3:
        return np.asarray(np.clip(tube.wanted, low, high), np.float64)
    path = _InteriorPoint(Tube(tube.wanted, tube.weight, low, high), step).solved()
    return np.clip(_settled(path, low, high), low, high)


def _locked(tube: Tube, low: float, high: float) -> float | None:
    """Return the place at which a camera may stand still all the time, None if there is none."""
    seen = tube.weight > 0
    if low > high:
        return None
    if not seen.any():
        return (low + high) / 2
    place = float(np.clip(np.median(tube.wanted[seen]), low, high))
    return place if np.mean(np.abs(tube.wanted[seen] - place) <= LOCKED_ZONE) >= LOCKED_SHARE else None


class _Absolutes:
    """Weighted absolute values in the cost, each written as min t, -t <= value <= t."""

    def __init__(self, weight: Floats, value: Floats) -> None:
        self.weight, self.value = weight, value
        self.bound = np.abs(value) + 0.1
        self.above, self.below = weight / 2, weight / 2
        """Multipliers of value <= t and of -t <= value; their sum is the weight."""
        self._steps: tuple[Floats, ...] = ()

    @property
    def gap(self) -> float:
        """Sum of the complementarity products."""
        return float(np.sum(self.above * (self.bound - self.value) + self.below * (self.bound + self.value)))

    @property
    def pull(self) -> Floats:
        """Derivative of the cost by the value."""
        return self.above - self.below

    def linearised(self, aim: float) -> tuple[Floats, Floats]:
        """Return stiffness and offset; to first order the pull changes by stiffness * (change of value) + offset."""
        over, under = self.bound - self.value, self.bound + self.value
        up, down = self.above / over, self.below / under
        more, less = aim / over - self.above, aim / under - self.below
        total, tilt = up + down, up - down
        return 4 * up * down / total, more - less - tilt / total * (more + less)

    def head(self, change: Floats, aim: float) -> float:
        """Set the step for a change of the values; return the share of it that stays inside the limits."""
        over, under = self.bound - self.value, self.bound + self.value
        up, down = self.above / over, self.below / under
        more, less = aim / over - self.above, aim / under - self.below
        bound = (more + less + (up - down) * change) / (up + down)
        above = more - up * (bound - change)
        self._steps = (change, bound, above)
        return min(
            _reach(over, bound - change), _reach(under, bound + change), _reach(self.above, above),
            _reach(self.below, -above),
        )  # fmt: skip

    def go(self, share: float) -> None:
        """Take that share of the step."""
        change, bound, above = self._steps
        self.value = self.value + share * change
        self.bound = self.bound + share * bound
        self.above = self.above + share * above
        self.below = self.below - share * above


class _InteriorPoint:
    """The program with its current point."""

    def __init__(self, tube: Tube, step: float) -> None:
        self._low, self._high = tube.low, tube.high
        self._x = (tube.low + tube.high) / 2
        count = len(self._x)
        self._from_low, self._from_high = (np.full(count, 0.1) for _ in range(2))
        self._speed = _Absolutes(np.full(count - 1, STILLNESS), np.diff(self._x))
        self._near = np.flatnonzero(tube.weight > 0)
        # max(0, |d| - Z) = |d - Z| / 2 + |d + Z| / 2 - Z
        away, weight = (self._x - tube.wanted)[self._near], tube.weight[self._near] * step / 2
        self._sides = tuple(
            _Absolutes(cost * weight, away + side * zone)
            for zone, cost in ((DEAD_ZONE, 1.0), (THIRD, ASIDE))
            for side in (-1, 1)
        )
        self._bands = _second_differences(count, SMOOTHNESS / step**3)

    def solved(self) -> Floats:
        """Return the best x."""
        terms = (self._speed, *self._sides)
        products = 2 * len(self._x) + sum(2 * len(term.value) for term in terms)
        for _ in range(STEPS):
            room_low, room_high = self._x - self._low, self._high - self._x
            gap = sum(term.gap for term in terms) + float(self._from_low @ room_low + self._from_high @ room_high)
            if gap / products < PRECISION:
                break
            aim = DECREASE * gap / products
            change = self._direction(aim, room_low, room_high)
            low = aim / room_low - self._from_low - self._from_low / room_low * change
            high = aim / room_high - self._from_high + self._from_high / room_high * change
            share = min(
                self._speed.head(np.diff(change), aim),
                *(side.head(change[self._near], aim) for side in self._sides),
                _reach(room_low, change), _reach(room_high, -change),
                _reach(self._from_low, low), _reach(self._from_high, high),
            )  # fmt: skip
            share = min(1.0, BACK_OFF * share)
            self._x = self._x + share * change
            self._from_low = self._from_low + share * low
            self._from_high = self._from_high + share * high
            for term in terms:
                term.go(share)
        return self._x

    def _direction(self, aim: float, room_low: Floats, room_high: Floats) -> Floats:
        """Solve Newton's equation for x."""
        diagonal, first, second = (band.copy() for band in self._bands)
        right = -_times(self._bands, self._x) + aim / room_low - aim / room_high
        diagonal += self._from_low / room_low + self._from_high / room_high
        stiffness, offset = self._speed.linearised(aim)
        force = self._speed.pull + offset
        diagonal[:-1] += stiffness
        diagonal[1:] += stiffness
        first -= stiffness
        right[:-1] += force
        right[1:] -= force
        for side in self._sides:
            stiffness, offset = side.linearised(aim)
            diagonal[self._near] += stiffness
            right[self._near] -= side.pull + offset
        return _pentadiagonal(diagonal, first, second, right)


def _reach(room: Floats, change: Floats) -> float:
    """Return how many times `change` can be added before something in `room` is used up."""
    shrinking = change < 0
    return float(np.min(room[shrinking] / -change[shrinking], initial=np.inf))


def _second_differences(count: int, weight: float) -> tuple[Floats, Floats, Floats]:
    """Return the bands of weight * D'D, where D gives the second differences of `count` numbers (at least 3)."""
    diagonal, first, second = np.zeros(count), np.zeros(count - 1), np.full(count - 2, weight)
    for offset, factor in enumerate((1, 4, 1)):
        diagonal[offset : offset + count - 2] += factor * weight
    for offset in (0, 1):
        first[offset : offset + count - 2] -= 2 * weight
    return diagonal, first, second


def _times(bands: tuple[Floats, Floats, Floats], x: Floats) -> Floats:
    diagonal, first, second = bands
    product = diagonal * x
    product[:-1] += first * x[1:]
    product[1:] += first * x[:-1]
    product[:-2] += second * x[2:]
    product[2:] += second * x[:-2]
    return product


def _pentadiagonal(diagonal: Floats, first: Floats, second: Floats, right: Floats) -> Floats:
    """Solve a symmetric positive definite system of five diagonals by LDL'.

    Plain numbers in a loop: numpy has no banded solver, and a thousand rows take 2 ms.
    """
    above, above2 = [*first.tolist(), 0.0], [*second.tolist(), 0.0, 0.0]
    rows: list[tuple[float, float, float]] = []
    alpha1 = beta1 = beta2 = pivot1 = pivot2 = y1 = y2 = 0.0
    for here, near, far, value in zip(diagonal.tolist(), above, above2, right.tolist(), strict=True):
        pivot = here - alpha1 * alpha1 * pivot1 - beta2 * beta2 * pivot2
        y = value - alpha1 * y1 - beta2 * y2
        alpha = (near - alpha1 * beta1 * pivot1) / pivot
        beta = far / pivot
        rows.append((y / pivot, alpha, beta))
        pivot2, pivot1, beta2, beta1, alpha1, y2, y1 = pivot1, pivot, beta1, beta, alpha, y1, y
    solution: list[float] = []
    next1 = next2 = 0.0
    for value, alpha, beta in reversed(rows):
        next1, next2 = value - alpha * next1 - beta * next2, next1
        solution.append(next1)
    return np.array(solution[::-1])


@dataclass(frozen=True, slots=True)
class _Hold:
    """A time in which the camera stands still: first and last knot, both included, and its place."""

    first: int
    last: int
    place: float


def _settled(x: Floats, low: Floats, high: Floats) -> Floats:
    """Make parts that move only by rounding stand still, and leave out moves that nobody would make."""
    holds = _holds(x, low, high)
    if not holds:
        return x
    # Between two holds the path keeps its shape and is bent to their new places; before and after, it is shifted.
    knots = np.array([knot for hold in holds for knot in (hold.first, hold.last)])
    places = np.array([hold.place for hold in holds for _ in range(2)])
    settled = np.asarray(x + np.interp(np.arange(len(x)), knots, places - x[knots]), np.float64)
    for hold in holds:
        settled[hold.first : hold.last + 1] = hold.place
    return settled


def _holds(x: Floats, low: Floats, high: Floats) -> list[_Hold]:
    """Return the holds of a path in order, joined where the path between hardly moves and one place fits both."""
    moves = np.abs(np.diff(x)) > STANDING
    begins = np.concatenate([[0], np.flatnonzero(moves) + 1]).tolist()
    ends = [*(begin - 1 for begin in begins[1:]), len(x) - 1]
    still = [(first, last) for first, last in zip(begins, ends, strict=True) if last > first]
    if not still:
        return []
    # The path before the first hold and after the last one counts as a hold, if it is near enough.
    spans = [(0, 0), *still, (len(x) - 1, len(x) - 1)]
    holds: list[_Hold] = []
    for first, last in spans:
        hold = _Hold(first, last, float(x[first : last + 1].mean()))
        union = _joined(holds[-1], hold, x, low, high) if holds else None
        if union is not None:
            holds[-1] = union
        else:
            holds.append(hold)
    return [hold for hold in holds if hold.last > hold.first]


def _joined(one: _Hold, other: _Hold, x: Floats, low: Floats, high: Floats) -> _Hold | None:
    """Return one hold for two and the path between them, None if that is impossible or loses a real move."""
    part = slice(one.first, other.last + 1)
    least, most = low[part].max(), high[part].min()
    if least > most or np.ptp(x[part]) >= LEAST_MOVE:
        return None
    return _Hold(one.first, other.last, float(np.clip(x[part].mean(), least, most)))


def interpolated(knots: Floats, places: Floats) -> Floats:
    """Return the path at fractional knot numbers: smooth, and always between the two knots around.

    Monotone cubic interpolation: Fritsch and Butland, "A method for constructing local monotone piecewise cubic
    interpolants" (SIAM J. Sci. Stat. Comput. 5, 1984).

    Args:
        knots: The path at knots 0, 1, 2 and so on.
        places: Fractional knot numbers, from 0 to the last knot's number.
    """
    if len(knots) == 1:
        return np.full(len(places), knots[0])
    rises = np.diff(knots)
    before, after = np.concatenate([rises[:1], rises]), np.concatenate([rises, rises[-1:]])
    same = before * after > 0
    slopes = np.where(same, 2 * before * after / np.where(same, before + after, 1), 0.0)
    left = np.clip(places.astype(np.int64), 0, len(knots) - 2)
    t = places - left
    rise, enter, leave = rises[left], slopes[left], slopes[left + 1]
    return np.asarray(
        knots[left] + rise * t * t * (3 - 2 * t) + enter * t * (1 - t) ** 2 - leave * t * t * (1 - t), np.float64
    )
