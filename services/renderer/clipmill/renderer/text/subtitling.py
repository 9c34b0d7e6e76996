"""Drawing of the captions on the frames of a clip."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from math import ceil

from clipmill.contracts.documents import Segment
from clipmill.contracts.options import CaptionStyle
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.drawing.compositing import Overlay, blend
from clipmill.renderer.framings import Framing
from clipmill.renderer.pictures import Picture
from clipmill.renderer.text import typefaces
from clipmill.renderer.text.captions import Chunk, chunks, clip_words
from clipmill.renderer.text.lettering import Cell, Lettering, Rectangle, extent, letter
from clipmill.renderer.text.painting import Painting, cropped, moved, rounded
from clipmill.renderer.text.placement import OccupiedArea, TextSpan, caption_rows, occupied_area, text_spans
from clipmill.renderer.text.styles import Lit, Panel, style_of, type_of, upright
from clipmill.renderer.text.typesetting import fits, set_words

GLIDE_SECONDS = 0.09
"""Time that the box takes from a word to the next in its line: visible as a movement, but shorter than a word."""


Area = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of a text's picture, in even pixels."""


@dataclass(frozen=True, slots=True)
class Captioning:
    """A clip's captions.

    Attributes:
        chunks: Chunks in order, none overlapping the next.
        missing: Letters that no font has and that are not drawn, in order of their first appearance.
        unshaped: True if letters are drawn unjoined or out of order.
    """

    chunks: tuple[Chunk, ...]
    missing: str = ""
    unshaped: bool = False


def caption(segments: Sequence[Segment], start: float, end: float, style: CaptionStyle, canvas: Canvas) -> Captioning:
    """Return the captions of a clip, for up to two lines on an upright canvas and one line on others.

    Args:
        segments: Segments of the transcript, in order.
        start: Start of the clip, in seconds of the source.
        end: End of the clip, in seconds of the source.
        style: Style of the captions; `off` divides them as `bold` does.
        canvas: Canvas of the clip.
    """
    type_ = type_of(style_of(style), canvas, rows=2 if upright(canvas) else 1)
    made = chunks(clip_words(segments, start, end), partial(fits, type_=type_), end - start)
    drawn = () if style is CaptionStyle.OFF else made
    text = "".join(text for chunk in drawn for text in chunk.texts)
    return Captioning(tuple(made), typefaces.missing(text), typefaces.unshaped(text))


@dataclass(frozen=True, slots=True)
class _Shown:
    """A span of frames that show a chunk, and the row of its middle."""

    span: TextSpan
    middle: int


class Subtitler:
    """Draws a clip's captions.

    The picture of a chunk is made once with plain letters and once with lit ones; each frame takes every word from one
    of the two pictures.

    Args:
        chunks: Chunks of the clip, in order.
        style: Style of the letters; `off` draws nothing.
        canvas: Canvas to draw on.
        rate: Frames per second.
        framing_at: Function that returns the framing of a frame of the clip.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        style: CaptionStyle,
        canvas: Canvas,
        rate: float,
        framing_at: Callable[[int], Framing],
    ) -> None:
        self._chunks = [] if style is CaptionStyle.OFF else list(chunks)
        self._style = style_of(style)
        self._canvas = canvas
        self._rate = rate
        type_ = type_of(self._style, canvas)
        self._settings = [set_words(chunk.texts, type_) for chunk in self._chunks]
        self._framing_at = cache(framing_at)
        self._shown = self._placed(self._spans(), ())
        self._firsts = [shown.span.first for shown in self._shown]
        self._current = -1
        self._lettering: Lettering | None = None

    @property
    def occupied(self) -> list[OccupiedArea]:
        """Return the areas that the captions cover, and when."""
        return [occupied_area(shown.span, (self._canvas.caption_centre[0], shown.middle)) for shown in self._shown]

    def make_way(self, others: Sequence[OccupiedArea]) -> None:
        """Move the captions if any of them would cover another text."""
        if any(own.meets(other) for own in self.occupied for other in others):
            self._shown = self._placed([shown.span for shown in self._shown], others)

    def draw(self, index: int, canvas: Picture) -> None:
        """Draw the captions of frame `index` of the clip."""
        position = bisect_right(self._firsts, index) - 1
        if position < 0 or index > self._shown[position].span.last:
            return
        shown = self._shown[position]
        number = shown.span.text
        if number != self._current or self._lettering is None:
            self._current, self._lettering = number, letter(self._settings[number], self._style)
        chunk, lettering = self._chunks[number], self._lettering
        time = (index + 0.5) / self._rate
        place = (self._canvas.caption_centre[0], shown.middle)
        if self._style.box is not None:
            for spot in _spots(chunk, lettering.cells, time):
                cover = plate(spot, self._style.box, self._settings[number].size)
                blend(moved(cover, *place), canvas)
        for area, lit in _areas(chunk, lettering.cells, self._style.lights, time):
            part = cropped(lettering.lit if lit else lettering.plain, *area)
            if part is not None:
                blend(moved(part, *place), canvas)

    def _spans(self) -> list[TextSpan]:
        """Return the spans of the chunks, divided where the picture is cut."""
        found: list[TextSpan] = []
        for number, (chunk, setting) in enumerate(zip(self._chunks, self._settings, strict=True)):
            first, last = frames(chunk, self._rate)
            if last >= first and setting.lines:
                parts = text_spans(number, first, last, extent(setting, self._style), self._framing_at)
                spoken = chunk.words[-1].end * self._rate  # a chunk that only lingers ends at the cut
                found += [part for part in parts if part is parts[0] or part.first < spoken]
        return found

    def _placed(self, found: Sequence[TextSpan], occupied: Sequence[OccupiedArea]) -> list[_Shown]:
        """Return the spans with their rows."""
        centre = self._canvas.caption_centre
        middles = caption_rows(found, self._canvas, self._rate, self._framing_at, centre, occupied=occupied)
        return [_Shown(span, middle) for span, middle in zip(found, middles, strict=True)]


def frames(chunk: Chunk, rate: float) -> tuple[int, int]:
    """Return the first and the last frame whose middle is within a chunk; the last may be before the first."""
    return max(0, ceil(chunk.start * rate - 0.5)), ceil(chunk.end * rate - 0.5) - 1


def plate(spot: Rectangle, panel: Panel, size: int) -> Overlay:
    """Return the picture of a panel behind letters, pixels from the text's middle.

    Args:
        spot: Rectangle of the letters.
        panel: Colour, margins and corners.
        size: Size of the type, in pixels of the em.
    """
    across, down = panel.across * size, panel.down * size
    area = (spot[0] - across, spot[1] - down, spot[2] + across, spot[3] + down)
    left, top = int(area[0] // 2) * 2, int(area[1] // 2) * 2
    width, height = ceil((area[2] - left) / 2) * 2, ceil((area[3] - top) / 2) * 2
    painting = Painting(width, height)
    inner = (area[0] - left, area[1] - top, area[2] - left, area[3] - top)
    painting.paint(rounded((width, height), inner, panel.radius * size), panel.colour)
    return painting.overlay(left, top)


def _spots(chunk: Chunk, cells: Sequence[Cell], time: float) -> list[Rectangle]:
    """Return the rectangles of the word being said; they glide there from the previous word of its line."""
    active = chunk.active(time)
    done = min(1.0, max(0.0, (time - chunk.words[active].start) / GLIDE_SECONDS))
    eased = 1 - (1 - done) ** 3
    before = {cell.area[1]: cell.letters for cell in cells if cell.word == active - 1}
    found: list[Rectangle] = []
    for cell in cells:
        if cell.word == active:
            left, top, right, bottom = cell.letters
            origin = before.get(cell.area[1], cell.letters)
            left, right = origin[0] + (left - origin[0]) * eased, origin[2] + (right - origin[2]) * eased
            found.append((left, top, right, bottom))
    return found


def _areas(chunk: Chunk, cells: Sequence[Cell], lights: Lit, time: float) -> list[tuple[Area, bool]]:
    """Return the parts of a chunk's picture and whether they are lit; equally lit neighbours are joined."""
    active = chunk.active(time)
    found: list[tuple[Area, bool]] = []
    for cell in cells:
        if lights is Lit.SUNG and cell.word == active:
            found += _sung(cell, [other for other in cells if other.word == active], chunk.said(active, time))
        else:
            found.append((cell.area, cell.word == active or (lights is not Lit.ACTIVE and cell.word < active)))
    return [
        ((parts[0][0][0], top, parts[-1][0][2], bottom), lit)
        for (top, bottom, lit), group in groupby(found, lambda part: (part[0][1], part[0][3], part[1]))
        for parts in [list(group)]
    ]


def _sung(cell: Cell, cells: Sequence[Cell], said: float) -> list[tuple[Area, bool]]:
    """Divide a cell at the end of its word's share `said`, 0 to 1; a word may have several `cells`."""
    left, top, right, bottom = cell.area
    widths = [other.letters[2] - other.letters[0] for other in cells]
    here = cells.index(cell)
    width = widths[here]
    rest = said * sum(widths) - sum(widths[:here])
    part = min(1.0, max(0.0, rest / width)) if width > 0 else 1.0
    if part in (0.0, 1.0):
        return [(cell.area, part == 1.0)]
    edge = cell.letters[2] - part * width if cell.leftward else cell.letters[0] + part * width
    middle = min(right, max(left, int(edge // 2) * 2))
    return [((left, top, middle, bottom), not cell.leftward), ((middle, top, right, bottom), cell.leftward)]
