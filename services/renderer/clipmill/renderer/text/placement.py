"""Placement of text on the canvas: clear of mouths and faces, close to its usual place, and steady.

All framings of a clip are known before it is drawn, so the rows of all its texts are chosen together. Each span of a
text has a cost for each row, and a change of row has a cost too. Dynamic programming finds the cheapest sequence
(Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", 1967). Costs are
orders of magnitude apart where one must never be traded for another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.framings import Framing, Layout
from clipmill.renderer.seeing.faces import Box

MOUTH_COST = 1000.0
"""Cost of covering a mouth in any frame; up to as much again for covering it in all of them."""

EYES_COST = 250.0
"""Cost of covering eyes in any frame; up to as much again for covering them in all of them."""

NOSE_COST = 80.0
"""Cost of covering a nose in any frame; up to as much again for covering it in all of them."""

FACE_COST = 30.0
"""Cost of covering a face with its hair in all frames."""

PICTURE_COST = 30.0
"""Cost of covering a picture that leaves room for the text elsewhere: the picture may contain writing."""

OCCUPIED_COST = 4000.0
"""Cost of covering another text, more than that of covering a whole face: neither could be read."""

AWAY_COST = 40.0
"""Cost of standing a canvas's height away from the usual place."""

HOP_COST = 60.0
"""Cost of another row than the previous text's: it is better to keep a whole shot's text away from its usual place."""

CUT_HOP = 0.05
"""Part of `HOP_COST` that counts at a cut, or after a while without text: nobody is looking at the old row."""

INNER_HOP_COST = 25.0
"""Cost of moving text that is being read, at a cut."""

QUIET_SECONDS = 1.5
"""Time without text after which its row is forgotten."""

MOUTH = (0.58, 0.94)
"""Band from below the nose to the chin, in parts of the height of a face's box (eyebrows to chin)."""

EYES = (-0.05, 0.36)
"""Band from the eyebrows to below the eyes, in parts of the height of a face's box."""

NOSE = (0.36, 0.58)
"""Band between eyes and mouth, in parts of the height of a face's box."""

HEAD = (-0.36, 1.0)
"""Band with forehead and hair, in parts of the height of a face's box."""

CLEARANCE = 14.0
"""Distance between text and a face or picture that it avoids, in pixels on a canvas whose shorter side is 1080."""

STEP = 8
"""Distance between two candidate rows, in pixels."""

JUMP = 0.12
"""Movement of a crop between two frames, in parts of its size, beyond which it is a cut: no camera moves that fast."""

FramingAt = Callable[[int], Framing]
Costs = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """The distances in pixels from a text's middle to its edges; left and top are negative."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Frames through which a text does not move.

    Attributes:
        text: Number of the text.
        first: First frame.
        last: Last frame, included.
        extent: Extent of the text.
    """

    text: int
    first: int
    last: int
    extent: Extent


@dataclass(frozen=True, slots=True)
class OccupiedArea:
    """A part of the canvas that a text covers for some frames.

    Attributes:
        box: Part of the canvas.
        first: First frame.
        last: Last frame, included.
        cost: Cost of covering it.
    """

    box: Box
    first: int
    last: int
    cost: float = OCCUPIED_COST

    def meets(self, other: "OccupiedArea") -> bool:
        """Return whether both overlap in space and in time."""
        one, two = self.box, other.box
        return (
            self.first <= other.last
            and other.first <= self.last
            and one.left < two.right
            and two.left < one.right
            and one.top < two.bottom
            and two.top < one.bottom
        )


def occupied_area(span: TextSpan, middle: tuple[int, int]) -> OccupiedArea:
    """Return the area that a text covers if its middle is at `middle`."""
    extent = span.extent
    box = Box(middle[0] + extent.left, middle[1] + extent.top, extent.right - extent.left, extent.bottom - extent.top)
    return OccupiedArea(box, span.first, span.last)


def cut_between(before: Framing, after: Framing) -> bool:
    """Return whether the picture is cut between two frames, or its layout changes."""
    another = before.shot != after.shot or before.layout is not after.layout
    if another or len(before.panes) != len(after.panes):
        return True
    return any(
        (old.left, old.top, old.width, old.height) != (new.left, new.top, new.width, new.height)
        or abs(old.crop.centre[0] - new.crop.centre[0]) > JUMP * old.crop.width
        or abs(old.crop.centre[1] - new.crop.centre[1]) > JUMP * old.crop.height
        for old, new in zip(before.panes, after.panes, strict=True)
    )


def text_spans(text: int, first: int, last: int, extent: Extent, framing_at: FramingAt) -> list[TextSpan]:
    """Divide the frames that show a text at the cuts of the picture."""
    begins = [first]
    before = framing_at(first)
    for frame in range(first + 1, last + 1):
        after = framing_at(frame)
        if cut_between(before, after):
            begins.append(frame)
        before = after
    ends = [*(begin - 1 for begin in begins[1:]), last]
    return [TextSpan(text, begin, end, extent) for begin, end in zip(begins, ends, strict=True)]


def caption_rows(
    shown: Sequence[TextSpan],
    canvas: Canvas,
    rate: float,
    framing_at: FramingAt,
    middle: tuple[int, int],
    *,
    follows_layout: bool = True,
    occupied: Sequence[OccupiedArea] = (),
) -> list[int]:
    """Return the row of each text's middle, in even pixels from the canvas's top, with all text in the safe zone.

    Args:
        shown: Spans of the texts, in order of time.
        canvas: Canvas of the texts.
        rate: Frames per second.
        framing_at: Function that returns the framing of a frame.
        middle: Usual place of a text's middle.
        follows_layout: True if the usual place is the seam in `split`, and below the picture in `fit`. False if text
            stands above a picture that leaves room there.
        occupied: Areas that other texts cover.
    """
    if not shown:
        return []
    tallest = _tallest(shown)
    candidates = np.arange(canvas.safe_top // 2 * 2, canvas.safe_bottom + 1, STEP, dtype=np.float64)
    tables: list[Costs] = []
    for span in shown:
        framings = [framing_at(frame) for frame in range(span.first, span.last + 1)]
        usual = (_usual if follows_layout else _above)(framings[0], canvas, middle[1], tallest)
        cost = AWAY_COST * np.abs(candidates - usual) / canvas.height
        cost += _faces_cost(candidates, span.extent, framings, middle[0], CLEARANCE * canvas.unit)
        cost += _occupied_cost(candidates, span, middle[0], occupied)
        if _leaves_room(framings[0], canvas, tallest, below=follows_layout):
            cost += _picture_cost(candidates, span.extent, framings[0])
        tables.append(cost + _outside_cost(candidates, span.extent, canvas))
    hops = [_hop(before, after, rate, framing_at) for before, after in pairwise(shown)]
    chosen = _cheapest(tables, hops, np.abs(candidates[:, None] - candidates[None, :]) / canvas.height)
    return [_inside(int(candidates[index]), span.extent, canvas) for index, span in zip(chosen, shown, strict=True)]


def _tallest(shown: Sequence[TextSpan]) -> Extent:
    """Return an extent that holds every text, which gives texts of one line and of two the same middle."""
    reaches = [(span.extent.left, span.extent.top, span.extent.right, span.extent.bottom) for span in shown]
    left, top, right, bottom = zip(*reaches, strict=True)
    return Extent(min(left), min(top), max(right), max(bottom))


def _usual(framing: Framing, canvas: Canvas, middle: int, tallest: Extent) -> float:
    """Return the usual row of captions in a layout.

    In `fit` they stand below a picture that leaves room there. Otherwise they stand wholly inside it, because an edge
    through letters looks like a mistake.
    """
    panes = framing.panes
    if framing.layout is Layout.SPLIT and len(panes) > 1 and panes[1].top > panes[0].top:
        return float(panes[1].top)
    if framing.layout is not Layout.FIT or not panes:
        return float(middle)
    gap, bottom = CLEARANCE * canvas.unit, _rows(framing)[1]
    if _leaves_room(framing, canvas, tallest, below=True):
        return bottom + gap - tallest.top
    return min(float(middle), bottom - gap - tallest.bottom)


def _above(framing: Framing, canvas: Canvas, middle: int, tallest: Extent) -> float:
    """Return the usual row of a title: not lower than the middle of the room above a picture."""
    if not _leaves_room(framing, canvas, tallest, below=False):
        return float(middle)
    return min(float(middle), (canvas.safe_top + _rows(framing)[0] - tallest.top - tallest.bottom) / 2)


def _leaves_room(framing: Framing, canvas: Canvas, tallest: Extent, *, below: bool) -> bool:
    """Return whether a picture that does not fill the canvas leaves room for text below itself, or above."""
    if framing.layout is not Layout.FIT or not framing.panes:
        return False
    top, bottom = _rows(framing)
    band = canvas.safe_bottom - bottom - CLEARANCE * canvas.unit if below else top - canvas.safe_top
    return band >= tallest.bottom - tallest.top


def _rows(framing: Framing) -> tuple[int, int]:
    """Return the top and the bottom of a framing's panes."""
    return min(pane.top for pane in framing.panes), max(pane.top + pane.height for pane in framing.panes)


def _picture_cost(candidates: Costs, extent: Extent, framing: Framing) -> Costs:
    """Return the cost of each row for covering the picture."""
    top, bottom = _rows(framing)
    covered = np.minimum(candidates + extent.bottom, bottom) - np.maximum(candidates + extent.top, top)
    part: Costs = np.maximum(covered, 0.0) / (extent.bottom - extent.top)
    return PICTURE_COST * part


def _faces_cost(candidates: Costs, extent: Extent, framings: Sequence[Framing], middle: int, clearance: float) -> Costs:
    """Return the cost of each row for covering faces."""
    cost = np.zeros(len(candidates))
    bands = [
        (face.top, face.height)
        for framing in framings
        for face in framing.faces
        if face.right > middle + extent.left - clearance and face.left < middle + extent.right + clearance
    ]
    if not bands:
        return cost
    tops, sizes = np.array(bands).T
    upper, lower = (candidates + extent.top - clearance)[:, None], (candidates + extent.bottom + clearance)[:, None]
    for (begin, end), weight in ((MOUTH, MOUTH_COST), (EYES, EYES_COST), (NOSE, NOSE_COST)):
        touched = (upper < tops + end * sizes) & (lower > tops + begin * sizes)
        share = touched.sum(axis=1) / len(framings)
        cost += weight * (touched.any(axis=1) + np.minimum(share, 1.0))
    covered = np.minimum(lower, tops + HEAD[1] * sizes) - np.maximum(upper, tops + HEAD[0] * sizes)
    part = np.maximum(covered, 0) / (lower - upper)
    cost += FACE_COST * part.sum(axis=1) / len(framings)
    return cost


def _occupied_cost(candidates: Costs, span: TextSpan, middle: int, occupied: Sequence[OccupiedArea]) -> Costs:
    cost = np.zeros(len(candidates))
    for other in occupied:
        if other.first > span.last or other.last < span.first:
            continue
        if other.box.right <= middle + span.extent.left or other.box.left >= middle + span.extent.right:
            continue
        over = (candidates + span.extent.top < other.box.bottom) & (candidates + span.extent.bottom > other.box.top)
        cost += other.cost * over
    return cost


def _outside_cost(candidates: Costs, extent: Extent, canvas: Canvas) -> Costs:
    """Return an infinite cost for rows outside the safe zone, but none for the nearest ones if no row is inside."""
    out = np.maximum(canvas.safe_top - (candidates + extent.top), 0)
    out += np.maximum(candidates + extent.bottom - canvas.safe_bottom, 0)
    return np.where(out > out.min(), np.inf, 0.0)


def _inside(height: int, extent: Extent, canvas: Canvas) -> int:
    highest = -int((extent.top - canvas.safe_top) // 2) * 2
    lowest = int((canvas.safe_bottom - extent.bottom) // 2) * 2
    return max(highest, min(height, lowest)) if lowest >= highest else (highest + lowest) // 4 * 2


def _hop(before: TextSpan, after: TextSpan, rate: float, framing_at: FramingAt) -> float:
    """Return the cost of changing the row between two texts."""
    if before.text == after.text:
        return INNER_HOP_COST
    quiet = after.first - before.last > QUIET_SECONDS * rate
    return HOP_COST * (CUT_HOP if quiet or cut_between(framing_at(before.last), framing_at(after.first)) else 1.0)


def _cheapest(tables: Sequence[Costs], hops: Sequence[float], distance: Costs) -> list[int]:
    """Return the index of each text's row in the cheapest sequence."""
    moved = (distance > 0).astype(np.float64) + 3.0 * distance
    total = tables[0]
    origins: list[npt.NDArray[np.intp]] = []
    for table, hop in zip(tables[1:], hops, strict=True):
        through = total[:, None] + hop * moved
        origin = np.argmin(through, axis=0)
        origins.append(origin)
        total = through[origin, np.arange(len(origin))] + table
    chosen = [int(np.argmin(total))]
    for origin in reversed(origins):
        chosen.append(int(origin[chosen[-1]]))
    chosen.reverse()
    return chosen
