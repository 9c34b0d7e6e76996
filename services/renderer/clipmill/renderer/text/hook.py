"""The hook: the clip's title, large in the picture for its first seconds."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from clipmill.renderer.canvas import Canvas
from clipmill.renderer.drawing.compositing import Overlay, blend
from clipmill.renderer.framings import Framing
from clipmill.renderer.pictures import Picture
from clipmill.renderer.text import typefaces
from clipmill.renderer.text.lettering import extent, letter
from clipmill.renderer.text.painting import Colour, faded, moved
from clipmill.renderer.text.placement import OccupiedArea, caption_rows, occupied_area, text_spans
from clipmill.renderer.text.styles import INK, Lit, Panel, Shadow, Style, type_of, upright
from clipmill.renderer.text.typesetting import Type, fits, set_words

SECONDS = 3.0
"""Time for which the hook is shown: enough to read eight words twice."""

FADE_SECONDS = 0.2
"""Time that the hook takes to appear, and to disappear."""

ROWS = 3
"""Most lines of a title."""

MORE_ROWS = 4
"""Most lines of a title on an upright canvas if fewer would cut it short."""

LEAST = 0.62
"""Smallest type of a title, as a part of its full size on an upright canvas; a longer title is cut short to stay
legible."""

STYLE = Style(
    typefaces.HEAVY,
    70,
    INK,
    INK,
    Lit.ACTIVE,
    shadow=Shadow(0.05, 0.16, 110),
    panel=Panel(Colour(255, 255, 255, 245), 0.42, 0.34, 0.34),
    leading=1.2,
    low=(0.7, 0.85),
)
"""Heavy, nearly black letters on a white panel."""

CAPTIONS_COST = 150.0
"""Cost of a place that captions occupy all the time: moving the captions is better than covering a face."""


class Hook:
    """Draws a clip's title on its first frames.

    Args:
        title: Title of the clip; one without a drawable letter is not drawn.
        canvas: Canvas to draw on.
        rate: Frames per second.
        framing_at: Function that returns the framing of a frame of the clip.
        frames: Number of frames in the clip, None if the clip is longer than a title stays.
        captions: Areas that captions occupy without a title.

    Attributes:
        occupied: Areas that the title occupies, and when; empty if nothing is drawn.
        missing: Letters of the title that no font has.
        unshaped: True if letters are unjoined or out of order.
    """

    def __init__(
        self,
        title: str,
        canvas: Canvas,
        rate: float,
        framing_at: Callable[[int], Framing],
        *,
        frames: int | None = None,
        captions: Sequence[OccupiedArea] = (),
    ) -> None:
        self._rate = rate
        self._frames = round(SECONDS * rate) if frames is None else min(round(SECONDS * rate), frames)
        setting = set_words(title.split(), _type(title.split(), canvas))
        self.missing, self.unshaped = typefaces.missing(title), typefaces.unshaped(title)
        self._picture: Overlay | None = None
        self._firsts: list[int] = []
        self._places: list[tuple[int, int]] = []
        self.occupied: tuple[OccupiedArea, ...] = ()
        if not setting.lines or self._frames < 1:
            return
        self._picture = letter(setting, STYLE).plain
        reach = extent(setting, STYLE)
        shown = text_spans(0, 0, self._frames - 1, reach, framing_at)
        middle = canvas.hook_centre
        others = [replace(occupied, cost=self._cost(occupied)) for occupied in captions]
        downs = caption_rows(shown, canvas, rate, framing_at, middle, follows_layout=False, occupied=others)
        self._firsts = [span.first for span in shown]
        self._places = [(middle[0], down) for down in downs]
        self.occupied = tuple(occupied_area(span, place) for span, place in zip(shown, self._places, strict=True))

    def draw(self, index: int, canvas: Picture) -> None:
        """Draw the title at frame `index`, if it is shown then."""
        if self._picture is None or index >= self._frames:
            return
        shown = min(index + 1, self._frames - index) / (FADE_SECONDS * self._rate)
        place = self._places[bisect_right(self._firsts, index) - 1]
        blend(moved(self._picture if shown >= 1 else faded(self._picture, shown), *place), canvas)

    def _cost(self, captions: OccupiedArea) -> float:
        """Return the cost of covering a caption, in proportion to the time for which both are shown."""
        both = min(captions.last, self._frames - 1) - captions.first + 1
        return CAPTIONS_COST * max(0, both) / self._frames


def _type(words: Sequence[str], canvas: Canvas) -> Type:
    """Return the type in which a title is set."""
    type_ = type_of(STYLE, canvas, ROWS)
    type_ = replace(type_, least=LEAST * STYLE.size * canvas.unit / type_.size)
    smallest = replace(type_, size=ceil(type_.least * type_.size))
    return type_ if fits(words, smallest) or not upright(canvas) else replace(type_, rows=MORE_ROWS)
