"""The virtual camera: which crop of the picture follows people through a shot.

Each axis is solved by itself and over the whole shot (`paths`): the face with its hair stays inside the crop, which is
a hard limit; its middle is wanted in the middle of the crop, and the eyes at EYE_LINE of its height, as far as the
picture's edges allow. The crop's size is fixed. Where the subject is somewhere else from one look to the next (a cut
that nobody noticed, somebody else taken for the same person), the camera cuts as well.
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
"""Between two detections no farther apart a face is taken to have moved evenly."""

LINGERING_SECONDS = 0.3
"""How long a face counts as seen before its first and after its last detection, on the way that it had then."""

LEAST_LEAD = 0.1
"""Face widths that a face must have moved on in that time; less is how exactly faces are found."""

KNOTS_PER_SECOND = 10
"""Of a path: more than looks, fewer than frames."""

JUMP_SPEED = 3.0
"""Crop lengths a second: nobody is followed that fast. People who run through a close crop make half of it."""

LEAST_JUMP = 0.6
"""Crop lengths: for less, no cut."""

SPIKE = 0.4
"""Face widths from where the looks before and after see a face that make a box a mistake: nobody is there and back in
SPIKE_SECONDS."""

SPIKE_SECONDS = 0.4
"""From the look before to the one after: two looks apart, and a little."""

SPIKE_SHARE = 1.5
"""Likewise, of how far those two looks are apart."""

LEAST_ROOM = 2 * LOCKED_ZONE
"""Crop lengths that a camera needs to stand still while a head sways."""

Rows = Floats
"""Left, top, right and bottom of a face and the height of its eyes by rows, shown pixels, at each frame; NaN where it
is not seen."""


def rows(person: Track, span: Span, rate: float) -> Rows:
    """Return where a face is at each frame of `span`.

    Args:
        person: seen at least once.
        span: frames.
        rate: frames a second.
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
    """Return the box around several faces; where a crop does not hold it, that of the foremost alone.

    Args:
        group: the foremost first.
        crop: its size.
    """
    around, foremost = together(group), group[0]
    beyond = (around[2] - around[0] > crop[0]) | (around[3] - around[1] > crop[1])
    return np.where(beyond & ~np.isnan(foremost[0]), foremost, around)


def filmed(subject: Rows, crop: Size, geometry: Geometry) -> Floats:
    """Return the left and top edges of the crop at each frame, two columns, shown pixels.

    Args:
        subject: the face, or the box around faces, to follow.
        crop: its size.
        geometry: the picture that it lies in.
    """
    left, top, right, bottom, eyes = subject
    width, height = right - left, bottom - top
    ears = _granted(width, 2 * EARS * width, crop[0])
    across = _Axis(crop[0], geometry.width, (left + right) / 2, left - ears * EARS * width, right + ears * EARS * width)
    # Hair is as high as one face is, not a group: between the eyebrows and the eyes lies a seventh of a face.
    aim = eyes + (0.5 - EYE_LINE) * crop[1]
    hair = _granted(height, (HEADROOM + CHIN) * height, crop[1])
    down = _Axis(crop[1], geometry.height, aim, top - hair * HEADROOM * height, bottom + hair * CHIN * height)
    cuts = _cuts([across, down], geometry.rate)
    centres = [
        np.concatenate([axis.path(first, after, geometry.rate) for first, after in cuts]) for axis in (across, down)
    ]
    return np.stack([centres[0] - crop[0] / 2, centres[1] - crop[1] / 2], axis=1)


def _granted(face: Floats, margins: Floats, crop: float) -> Floats:
    """How much of its margins a face gets, 0 to 1: in a close-up hair gives way before the camera has to shake."""
    return np.clip(((1 - LEAST_ROOM) * crop - face) / margins, 0, 1)


class _Axis:
    """One axis of the camera's world, in crop lengths.

    Args:
        crop: its length, shown pixels.
        picture: its length, likewise.
        wanted: where the crop's middle should be at each frame, shown pixels; NaN where nobody is seen.
        begin: where the subject begins, what must be seen of it, likewise.
        end: where it ends.
    """

    def __init__(self, crop: float, picture: float, wanted: Floats, begin: Floats, end: Floats) -> None:
        self._crop = crop
        self._least, self._most = 0.5, max(0.5, picture / crop - 0.5)
        self.wanted = np.clip(wanted / crop, self._least, self._most)
        self._low = np.clip(end / crop - 0.5, self._least, self._most)
        self._high = np.clip(begin / crop + 0.5, self._least, self._most)

    def path(self, first: int, after: int, rate: float) -> Floats:
        """Return the crop's middle at the frames from `first` to before `after`, shown pixels."""
        count = after - first
        if self._most - self._least < 1e-6:
            return np.full(count, self._least * self._crop)
        knots = max(2, int(np.ceil((count - 1) / rate * min(rate, KNOTS_PER_SECOND))) + 1)
        places = np.linspace(0, knots - 1, count) if count > 1 else np.zeros(1)
        path = calmest(self._tube(first, places, knots), max(count - 1, 1) / rate / (knots - 1))
        return np.clip(interpolated(path, places), self._least, self._most) * self._crop

    def _tube(self, first: int, places: Floats, knots: int) -> Tube:
        """What is asked at the knots: all that is asked at frames up to the knots before and after."""
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
    """Pieces between jumps of the subject, first frame and the one after the last.

    What lies between the two looks around a jump is marked as unseen: nobody was there.
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
    """Where a face is `reach` frames beyond the first of its looks: moved on as it did around there, if it did."""
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
    """Leave out single wrong boxes: those far from where the boxes just before and after say that the face is.

    A median would do that too, but it cuts off the ends of quick movements.

    Args:
        at: the frames of the boxes.
        values: the boxes.
        soon: frames from the one before to the one after, beyond which they say nothing of what is between them.
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
