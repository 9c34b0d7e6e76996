"""The look of captions: the styles, their colours and measures.

Measures are in em unless stated otherwise; a style looks equal at every size.
"""

from dataclasses import dataclass
from enum import Enum, auto
from math import ceil

from clipmill.contracts.options import CaptionStyle
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.text import typefaces
from clipmill.renderer.text.painting import Colour
from clipmill.renderer.text.typesetting import SPACE, Type

WHITE = Colour(255, 255, 255)
INK = Colour(10, 10, 12)
"""Nearly black: pure black looks like a hole."""

YELLOW = Colour(255, 221, 0)
VIOLET = Colour(124, 58, 237)
MINT = Colour(52, 245, 143)
MIST = Colour(150, 155, 166)
PANEL = Colour(14, 16, 22, 200)


SHADOW_REACH = 2.0
"""Standard deviations of a blur beyond which it is invisible."""


SOFT_PIXELS = 2
"""Width that soft edges and even sizes add on each side, in pixels."""


class Lit(Enum):
    """The letters that have the lit colour."""

    ACTIVE = auto()
    """Letters of the word being said."""
    SAID = auto()
    """Letters of the word being said and of the words before it."""
    SUNG = auto()
    """Letters said so far: those of the words before, and the said part of the word being said."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A soft shadow: its distance downwards, the standard deviation of its blur, and its opacity."""

    down: float
    blur: float
    alpha: int


@dataclass(frozen=True, slots=True)
class Panel:
    """A coloured rectangle behind letters: its margins, horizontal and vertical, and the radius of its corners."""

    colour: Colour
    across: float
    down: float
    radius: float


@dataclass(frozen=True, slots=True)
class Style:
    """The look of letters.

    Attributes:
        main: Name of the font for Latin.
        size: Pixels of the em on a canvas whose shorter side is 1080.
        plain: Colour of letters.
        lit: Colour of lit letters.
        lights: Rule for the letters that are lit.
        edge: Thickness of the outline.
        shadow: Shadow under the letters, or under the panel if there is one; None for no shadow.
        panel: Panel behind the whole text; None for no panel.
        box: Panel behind the word being said; None for no box.
        space: Blank between words.
        leading: Distance from line to line.
        low: Parts of the size that are used on a square canvas and on a wide one, where full size would take up too
            much of the height.
    """

    main: str
    size: float
    plain: Colour
    lit: Colour
    lights: Lit
    edge: float = 0.0
    shadow: Shadow | None = None
    panel: Panel | None = None
    box: Panel | None = None
    space: float = SPACE
    leading: float = 1.16
    low: tuple[float, float] = (0.85, 0.85)

    def reach(self, size: int) -> tuple[int, int, int]:
        """Return the margins in pixels that the style needs around letters: at the sides, above, and below.

        Args:
            size: Size of the type, in pixels of the em.
        """
        fade = SHADOW_REACH * self.shadow.blur if self.shadow else 0.0
        fall = self.shadow.down if self.shadow else 0.0
        plates = [plate for plate in (self.panel, self.box) if plate is not None]
        across = max([self.edge, *(plate.across for plate in plates)])
        down = max([self.edge, *(plate.down for plate in plates)])
        reaches = (across + fade, down + max(0.0, fade - fall), down + fade + fall)
        sides = [ceil(reach * size) + SOFT_PIXELS for reach in reaches]
        return sides[0], sides[1], sides[2]


STYLES = {
    CaptionStyle.BOLD: Style(
        typefaces.HEAVY, 84, WHITE, YELLOW, Lit.ACTIVE, edge=0.1, shadow=Shadow(0.06, 0.07, 150), leading=1.2
    ),
    CaptionStyle.BOX: Style(
        typefaces.HEAVY,
        80,
        WHITE,
        WHITE,
        Lit.ACTIVE,
        edge=0.05,
        shadow=Shadow(0.05, 0.09, 170),
        box=Panel(VIOLET, 0.16, 0.13, 0.2),
        space=0.36,
        leading=1.34,
    ),
    CaptionStyle.FILL: Style(
        typefaces.HEAVY, 84, WHITE, MINT, Lit.SUNG, edge=0.1, shadow=Shadow(0.06, 0.07, 150), leading=1.2
    ),
    CaptionStyle.CLEAN: Style(
        typefaces.PLAIN, 56, MIST, WHITE, Lit.SAID, panel=Panel(PANEL, 0.5, 0.36, 0.34), leading=1.28, low=(1.0, 1.0)
    ),
}
"""The styles that draw text. A line of an upright clip has about 15 Latin letters, or 23 in `clean`."""


def style_of(choice: CaptionStyle) -> Style:
    """Return a style: `bold` for `auto`, and for `off`, whose caption files are divided as its chunks."""
    return STYLES[CaptionStyle.BOLD if choice in (CaptionStyle.AUTO, CaptionStyle.OFF) else choice]


def upright(canvas: Canvas) -> bool:
    """Return whether a canvas is higher than wide."""
    return canvas.height > canvas.width


def type_of(style: Style, canvas: Canvas, rows: int = 2) -> Type:
    """Return the type for text of a style on a canvas, with room for outlines, shadow and panel."""
    part = 1.0 if upright(canvas) else style.low[canvas.width > canvas.height]
    size = round(style.size * canvas.unit * part)
    width = canvas.text_width - 2 * style.reach(size)[0]
    return Type(style.main, size, width, rows, style.leading, style.space)
