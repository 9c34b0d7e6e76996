"""Where on the canvas text goes: clear of mouths and faces, close to its usual place, without hopping about.

All framings of a clip are known before it is drawn, so the places of all its texts are chosen together: each stretch
of time has a cost for each height, a change of height costs too, and the cheapest sequence is found by dynamic
programming (Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", 1967).
The costs are orders of magnitude apart where one thing must never be given up for another.
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
"""Of covering a mouth in any frame, and once more for doing so in all of them."""

EYES_COST = 250.0
"""Likewise, of covering eyes."""

NOSE_COST = 80.0
"""Likewise, of covering what lies between."""

FACE_COST = 30.0
"""Of covering a face, hair included, in all frames."""

PICTURE_COST = 30.0
"""Of covering a picture that leaves room beside itself: it may have writing of its own."""

OCCUPIED_COST = 4000.0
"""Of covering another text, more than of covering a whole face: neither could be read."""

AWAY_COST = 40.0
"""Of standing a canvas's height away from the usual place."""

HOP_COST = 60.0
"""Of standing elsewhere than the text before: rather does a whole shot's text stand away from its usual place."""

CUT_HOP = 0.05
"""Part of that where the picture is cut or nothing was shown for a while: nobody's eyes rest there."""

INNER_HOP_COST = 25.0
"""Of moving, at a cut, text that is being read."""

QUIET_SECONDS = 1.5
"""After so long without text its place is forgotten."""

MOUTH = (0.58, 0.94)
"""From below the nose to the chin, parts of the height of a face's box (eyebrows to chin)."""

EYES = (-0.05, 0.36)
"""Likewise, from the eyebrows to below the eyes."""

NOSE = (0.36, 0.58)
"""Likewise, between eyes and mouth."""

HEAD = (-0.36, 1.0)
"""Likewise, with forehead and hair."""

CLEARANCE = 14.0
"""Between text and what it makes way for, pixels on a canvas whose shorter side is 1080."""

STEP = 8
"""From one height that is considered to the next, pixels."""

JUMP = 0.12
"""Between two frames, parts of the crop's size: farther moves no camera, so it is a cut."""

FramingAt = Callable[[int], Framing]
Costs = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a text reaches from its middle, pixels; left and top are negative."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A text in a time in which it does not move.

    Attributes:
        text: number of the text.
        first: frame.
        last: frame, included.
        extent: of the text.
    """

    text: int
    first: int
    last: int
    extent: Extent


@dataclass(frozen=True, slots=True)
class OccupiedArea:
    """A part of the canvas that another text covers.

    Attributes:
        box: the part.
        first: frame.
        last: frame, included.
        cost: of covering it.
    """

    box: Box
    first: int
    last: int
    cost: float = OCCUPIED_COST

    def meets(self, other: "OccupiedArea") -> bool:
        """Whether both would be seen at the same place at the same time."""
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
    """Return what a text covers whose middle stands there."""
    extent = span.extent
    box = Box(middle[0] + extent.left, middle[1] + extent.top, extent.right - extent.left, extent.bottom - extent.top)
    return OccupiedArea(box, span.first, span.last)


def cut_between(before: Framing, after: Framing) -> bool:
    """Whether the picture is cut from one frame to the next, or laid out anew."""
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
    """Divide the time in which a text is shown at the cuts of the picture."""
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
    """Return where the middle of each text stands, even pixels from the canvas's top; all inside the safe zone.

    Args:
        shown: texts in order of time.
        canvas: they stand on.
        rate: frames a second.
        framing_at: gives what is shown at a frame.
        middle: where texts stand if nothing speaks against it.
        follows_layout: whether `split` and `fit` have usual places of their own: the seam, and below the picture; else
            text keeps off a picture that leaves room above itself.
        occupied: what other texts cover.
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
    """Return the room that any of the texts takes, so that those of one line and of two have their middles together."""
    reaches = [(span.extent.left, span.extent.top, span.extent.right, span.extent.bottom) for span in shown]
    left, top, right, bottom = zip(*reaches, strict=True)
    return Extent(min(left), min(top), max(right), max(bottom))


def _usual(framing: Framing, canvas: Canvas, middle: int, tallest: Extent) -> float:
    """Where text stands in a layout if nothing speaks against it.

    Below a picture that leaves room there; else wholly inside it, for an edge through letters looks like a mistake.
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
    """Where a title stands if nothing speaks against it: not lower than the middle of what a picture leaves free."""
    if not _leaves_room(framing, canvas, tallest, below=False):
        return float(middle)
    return min(float(middle), (canvas.safe_top + _rows(framing)[0] - tallest.top - tallest.bottom) / 2)


def _leaves_room(framing: Framing, canvas: Canvas, tallest: Extent, *, below: bool) -> bool:
    """Whether a picture that does not fill the canvas leaves room for text below itself, or above."""
    if framing.layout is not Layout.FIT or not framing.panes:
        return False
    top, bottom = _rows(framing)
    band = canvas.safe_bottom - bottom - CLEARANCE * canvas.unit if below else top - canvas.safe_top
    return band >= tallest.bottom - tallest.top


def _rows(framing: Framing) -> tuple[int, int]:
    """Return where the panes of a framing begin and end."""
    return min(pane.top for pane in framing.panes), max(pane.top + pane.height for pane in framing.panes)


def _picture_cost(candidates: Costs, extent: Extent, framing: Framing) -> Costs:
    """What each height costs because of the picture that text would cover."""
    top, bottom = _rows(framing)
    covered = np.minimum(candidates + extent.bottom, bottom) - np.maximum(candidates + extent.top, top)
    part: Costs = np.maximum(covered, 0.0) / (extent.bottom - extent.top)
    return PICTURE_COST * part


def _faces_cost(candidates: Costs, extent: Extent, framings: Sequence[Framing], middle: int, clearance: float) -> Costs:
    """What each height costs because of the faces that the text would cover."""
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
    """Infinite where text would leave the safe zone; where it has no room at all only the nearest place is left."""
    out = np.maximum(canvas.safe_top - (candidates + extent.top), 0)
    out += np.maximum(candidates + extent.bottom - canvas.safe_bottom, 0)
    return np.where(out > out.min(), np.inf, 0.0)


def _inside(height: int, extent: Extent, canvas: Canvas) -> int:
    highest = -int((extent.top - canvas.safe_top) // 2) * 2
    lowest = int((canvas.safe_bottom - extent.bottom) // 2) * 2
    return max(highest, min(height, lowest)) if lowest >= highest else (highest + lowest) // 4 * 2


def _hop(before: TextSpan, after: TextSpan, rate: float, framing_at: FramingAt) -> float:
    """What it costs to change the height from one text to the next."""
    if before.text == after.text:
        return INNER_HOP_COST
    quiet = after.first - before.last > QUIET_SECONDS * rate
    return HOP_COST * (CUT_HOP if quiet or cut_between(framing_at(before.last), framing_at(after.first)) else 1.0)


def _cheapest(tables: Sequence[Costs], hops: Sequence[float], distance: Costs) -> list[int]:
    """Return the index of the height for each text in the cheapest sequence."""
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
