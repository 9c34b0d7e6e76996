"""The virtual camera: the crop of the picture that follows people through a shot.

Each axis is solved by itself and over the whole shot (`paths`). The face with its hair stays inside the crop, which is
a hard limit. The face's middle belongs in the middle of the crop, and the eyes at EYE_LINE of its height, as far as
the picture's edges allow. The crop's size is fixed. Where the subject jumps from one detection frame to the next (an
undetected cut, or one person mistaken for another), the camera cuts as well.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from clipmill.renderer.directing.crops import CHIN, EARS, EYE_LINE, HEADROOM, Geometry, Size
from clipmill.renderer.directing.paths import LOCKED_ZONE, Floats, Tube, calmest, interpolated
from clipmill.renderer.directing.presence import SAME_PLACE, TURNED_AWAY_SECONDS
from clipmill.renderer.seeing.tracking import Detection, Track
from clipmill.renderer.shots import Span

BRIDGED_SECONDS = 1.0
"""Longest time between two detections over which a face is taken to have moved evenly."""

LINGERING_SECONDS = 0.3
"""Time before the first and after the last detection for which a face counts as seen, moving on as it did there."""

LEAST_LEAD = 0.1
"""Face widths that a face must move in that time for its motion to be continued; less may be the detector's error."""

KNOTS_PER_SECOND = 10
"""Knots of a path: more than detection frames, fewer than frames."""

JUMP_SPEED = 3.0
"""Crop lengths a second above which nobody is followed. People who run through a close crop reach half of it."""

LEAST_JUMP = 0.6
"""Crop lengths below which the camera does not cut."""

SPIKE = 0.4
"""Distance of a box from the mean of the boxes before and after it, in face widths, beyond which the box is a mistake:
nobody moves that far and back in SPIKE_SECONDS."""

SPIKE_SECONDS = 0.4
"""Longest time from the box before to the one after: a little more than two detection frames."""

SPIKE_SHARE = 1.5
"""A second limit of the distance in SPIKE, as a multiple of the distance between the boxes before and after; the larger
limit counts."""

LEAST_ROOM = 2 * LOCKED_ZONE
"""Crop lengths of room that a camera needs to stand still while a head sways."""

Rows = Floats
"""Five rows with a value for each frame, in shown pixels: left, top, right and bottom of a face, and the position of
its eyes from the top; NaN where it is not seen."""


def rows(person: Track, span: Span, rate: float) -> Rows:
    """Return a face's place at each frame of `span`.

    Args:
        person: Person who is seen at least once.
        span: Frames to fill.
        rate: Frames per second.
    """
    frames = np.arange(span.first, span.last + 1)
    at = np.array([detection.frame for detection in person.detections])
    values = _steadied(at, np.array([_numbers(detection) for detection in person.detections]), SPIKE_SECONDS * rate)
    reach = LINGERING_SECONDS * rate
    around = np.concatenate([[at[0] - reach], at, [at[-1] + reach]])
    led = np.concatenate([[_led(at, values, -reach)], values, [_led(at[::-1], values[::-1], reach)]])
    found = np.stack([np.interp(frames, around, column) for column in led.T])
    following = np.searchsorted(at, frames)
    ahead, behind = np.minimum(following, len(at) - 1), np.maximum(following - 1, 0)
    to_next = np.where(following < len(at), at[ahead] - frames, np.inf)
    to_last = np.where((following > 0) | (at[0] == frames), frames - at[behind], np.inf)
    near = np.minimum(to_next, to_last) <= reach
    stayed = np.abs(values[ahead, :2] - values[behind, :2]).max(axis=1) <= SAME_PLACE * _widths(values[behind])
    longest = np.where(stayed, TURNED_AWAY_SECONDS, BRIDGED_SECONDS) * rate
    found[:, ~(near | (to_next + to_last <= longest))] = np.nan
    return found


def together(group: Sequence[Rows]) -> Rows:
    """Return the box around several faces, and the highest eyes, at each frame."""
    with np.errstate(invalid="ignore"):
        low, high = np.fmin.reduce(list(group)), np.fmax.reduce(list(group))
    return np.stack([low[0], low[1], high[2], high[3], low[4]])


def held(group: Sequence[Rows], crop: Size) -> Rows:
    """Return the box around several faces, or around the foremost alone where a crop does not hold them all.

    Args:
        group: Faces, the foremost first.
        crop: Size of the crop.
    """
    around, foremost = together(group), group[0]
    beyond = (around[2] - around[0] > crop[0]) | (around[3] - around[1] > crop[1])
    return np.where(beyond & ~np.isnan(foremost[0]), foremost, around)


def filmed(subject: Rows, crop: Size, geometry: Geometry) -> Floats:
    """Return the left and top edges of the crop at each frame, in two columns, in shown pixels.

    Args:
        subject: Face, or box around faces, that the camera follows.
        crop: Size of the crop.
        geometry: Picture that holds the crop.
    """
    left, top, right, bottom, eyes = subject
    width, height = right - left, bottom - top
    ears = _granted(width, 2 * EARS * width, crop[0])
    across = _Axis(crop[0], geometry.width, (left + right) / 2, left - ears * EARS * width, right + ears * EARS * width)
    # The headroom is that of one face, not of a group: eyebrows and eyes are a seventh of a face apart.
    aim = eyes + (0.5 - EYE_LINE) * crop[1]
    hair = _granted(height, (HEADROOM + CHIN) * height, crop[1])
    down = _Axis(crop[1], geometry.height, aim, top - hair * HEADROOM * height, bottom + hair * CHIN * height)
    cuts = _cuts([across, down], geometry.rate)
    centres = [
        np.concatenate([axis.path(first, after, geometry.rate) for first, after in cuts]) for axis in (across, down)
    ]
    return np.stack([centres[0] - crop[0] / 2, centres[1] - crop[1] / 2], axis=1)


def _granted(face: Floats, margins: Floats, crop: float) -> Floats:
    """Return the share of its margins that a face gets, 0 to 1: close-ups cut the hair before the camera shakes."""
    return np.clip(((1 - LEAST_ROOM) * crop - face) / margins, 0, 1)


class _Axis:
    """One axis of the camera's world, in crop lengths.

    Args:
        crop: Length of the crop, in shown pixels.
        picture: Length of the picture, in shown pixels.
        wanted: Best place of the crop's middle at each frame, in shown pixels; NaN where nobody is seen.
        begin: First place of the subject that must be seen at each frame, in shown pixels.
        end: Last place of the subject that must be seen at each frame, in shown pixels.
    """

    def __init__(self, crop: float, picture: float, wanted: Floats, begin: Floats, end: Floats) -> None:
        self._crop = crop
        self._least, self._most = 0.5, max(0.5, picture / crop - 0.5)
        self.wanted = np.clip(wanted / crop, self._least, self._most)
        self._low = np.clip(end / crop - 0.5, self._least, self._most)
        self._high = np.clip(begin / crop + 0.5, self._least, self._most)

    def path(self, first: int, after: int, rate: float) -> Floats:
        """Return the crop's middle at the frames from `first` to before `after`, in shown pixels."""
        count = after - first
        if self._most - self._least < 1e-6:
            return np.full(count, self._least * self._crop)
        knots = max(2, int(np.ceil((count - 1) / rate * min(rate, KNOTS_PER_SECOND))) + 1)
        places = np.linspace(0, knots - 1, count) if count > 1 else np.zeros(1)
        path = calmest(self._tube(first, places, knots), max(count - 1, 1) / rate / (knots - 1))
        return np.clip(interpolated(path, places), self._least, self._most) * self._crop

    def _tube(self, first: int, places: Floats, knots: int) -> Tube:
        """Return the limits at the knots: each frame's limits count at the knots before and after it."""
        part = slice(first, first + len(places))
        wanted, low, high = self.wanted[part], self._low[part], self._high[part]
        seen = ~np.isnan(wanted)
        near = np.clip(np.stack([np.floor(places), np.ceil(places)]).astype(np.int64), 0, knots - 1)[:, seen]
        total, weight = np.zeros(knots), np.zeros(knots)
        lows, highs = np.full(knots, self._least), np.full(knots, self._most)
        for knot in near:
            np.add.at(total, knot, wanted[seen])
            np.add.at(weight, knot, 1.0)
            np.maximum.at(lows, knot, low[seen])
            np.minimum.at(highs, knot, high[seen])
        frames = np.zeros(knots)
        np.add.at(frames, np.floor(places).astype(np.int64), 1.0)
        np.add.at(frames, np.ceil(places).astype(np.int64), 1.0)
        return Tube(total / np.maximum(weight, 1), weight / np.maximum(frames, 1), lows, highs)


def _cuts(axes: Sequence[_Axis], rate: float) -> list[tuple[int, int]]:
    """Return the pieces between jumps of the subject: their first frames and the frames after their last.

    The frames between the two detection frames around a jump are marked as unseen: nobody was there.
    """
    count = len(axes[0].wanted)
    edges = [0]
    for axis in axes:
        speed = np.abs(np.diff(axis.wanted)) * rate
        fast = np.concatenate([[False], speed > JUMP_SPEED, [False]])
        begins, ends = np.flatnonzero(~fast[:-1] & fast[1:]), np.flatnonzero(fast[:-1] & ~fast[1:])
        for begin, end in zip(begins, ends, strict=True):
            if abs(axis.wanted[end] - axis.wanted[begin]) >= LEAST_JUMP:
                edges.append(int(begin + end + 1) // 2)
                for each in axes:
                    each.wanted[begin + 1 : end] = np.nan
    return list(pairwise([*sorted({edge for edge in edges if edge < count}), count]))


def _numbers(detection: Detection) -> tuple[float, float, float, float, float]:
    box = detection.face.box
    return box.left, box.top, box.right, box.bottom, detection.face.eyes


def _widths(values: Floats) -> Floats:
    return np.asarray(values[:, 2] - values[:, 0], np.float64)


def _led(at: npt.NDArray[np.int64], values: Floats, reach: float) -> Floats:
    """Return a face's place `reach` frames beyond its first box; if it moved there, its motion is continued."""
    near = np.abs(at - at[0]) <= 2 * abs(reach)
    span = at[near][-1] - at[0]
    first = np.asarray(values[0], np.float64)
    if span == 0:
        return first
    left, top, right, bottom, _ = (values[near][-1] - values[0]) / span * reach
    across, down = (left + right) / 2, (top + bottom) / 2
    if max(abs(across), abs(down)) >= LEAST_LEAD * (values[0, 2] - values[0, 0]):
        first = first + np.array([across, down, across, down, down])
    return first


def _steadied(at: npt.NDArray[np.int64], values: Floats, soon: float) -> Floats:
    """Replace single wrong boxes, which are far from the mean of the boxes just before and after.

    A median would do that too, but it cuts off the ends of quick movements.

    Args:
        at: Frames of the boxes.
        values: Boxes.
        soon: Most frames from the box before to the box after; over more, a face may move there and back.
    """
    if len(values) < 3:
        return values
    steadied = values.copy()
    between = (values[:-2] + values[2:]) / 2
    away = np.abs(values[1:-1] - between).max(axis=1)
    apart = np.abs(values[2:] - values[:-2]).max(axis=1)
    wrong = (away > np.maximum(SPIKE * _widths(between), SPIKE_SHARE * apart)) & (at[2:] - at[:-2] <= soon)
    steadied[1:-1][wrong] = between[wrong]
    return steadied
