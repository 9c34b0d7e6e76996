"""The hook: the clip's title, large in the picture for its first seconds."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from clipmill.renderer import typefaces
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.compositing import Overlay, blend
from clipmill.renderer.faces import Box
from clipmill.renderer.framings import Framing
from clipmill.renderer.lettering import extent, letter
from clipmill.renderer.painting import Colour, faded, moved
from clipmill.renderer.pictures import Picture
from clipmill.renderer.placement import Taken, heights, stays
from clipmill.renderer.styles import INK, Lit, Panel, Shadow, Style, type_of
from clipmill.renderer.typesetting import set_words

SECONDS = 3.0
"""How long it stays: time to read eight words twice."""

FADE_SECONDS = 0.2
"""How long it takes to appear and to disappear."""

ROWS = 3
"""Most lines of a title."""

LEAST = 0.62
"""Part of the full size under which a title is rather cut short: it is to be read at a glance."""

STYLE = Style(
    typefaces.HEAVY,
    70,
    INK,
    INK,
    Lit.ACTIVE,
    shadow=Shadow(0.05, 0.16, 110),
    panel=Panel(Colour(255, 255, 255, 245), 0.42, 0.34, 0.34),
    leading=1.2,
)
"""Heavy nearly black letters on a white panel."""


CAPTIONS_HALF = 110.0
"""Half the height of two lines of captions, pixels on a canvas whose shorter side is 1080."""


CAPTIONS_COST = 60.0
"""Of standing where captions usually do: they make way, but faces first."""


class Hook:
    """Draws a clip's title on its first frames.

    Args:
        title: of the clip; one without a drawable letter is not drawn.
        canvas: that is drawn on.
        rate: frames a second.
        framing_at: gives what is shown at a frame of the clip.
        frames: of the clip, where it may be shorter than a title stays.

    Attributes:
        taken: what it covers, and when; empty where nothing is drawn.
        missing: the letters of the title that no font has.
    """

    def __init__(
        self,
        title: str,
        canvas: Canvas,
        rate: float,
        framing_at: Callable[[int], Framing],
        *,
        frames: int | None = None,
    ) -> None:
        self._rate = rate
        self._frames = round(SECONDS * rate) if frames is None else min(round(SECONDS * rate), frames)
        type_ = replace(type_of(STYLE, canvas, ROWS), least=LEAST)
        setting = set_words(title.split(), type_)
        self.missing = typefaces.missing(title)
        self._picture: Overlay | None = None
        self._firsts: list[int] = []
        self._places: list[tuple[int, int]] = []
        self.taken: tuple[Taken, ...] = ()
        if not setting.lines or self._frames < 1:
            return
        self._picture = letter(setting, STYLE).plain
        reach = extent(setting, STYLE)
        shown = stays(0, 0, self._frames - 1, reach, framing_at)
        middle = canvas.hook_centre
        captions = Taken(_captions_box(canvas), 0, self._frames - 1, CAPTIONS_COST)
        downs = heights(shown, canvas, rate, framing_at, middle, follows_layout=False, taken=[captions])
        self._firsts = [stay.first for stay in shown]
        self._places = [(middle[0], down) for down in downs]
        self.taken = tuple(
            Taken(
                Box(middle[0] + reach.left, down + reach.top, reach.right - reach.left, reach.bottom - reach.top),
                stay.first,
                stay.last,
            )
            for stay, down in zip(shown, downs, strict=True)
        )

    def draw(self, index: int, canvas: Picture) -> None:
        """Draw what is to be seen of the title at frame `index`."""
        if self._picture is None or index >= self._frames:
            return
        shown = min(index + 1, self._frames - index) / (FADE_SECONDS * self._rate)
        place = self._places[bisect_right(self._firsts, index) - 1]
        blend(moved(self._picture if shown >= 1 else faded(self._picture, shown), *place), canvas)


def _captions_box(canvas: Canvas) -> Box:
    """Where captions usually stand."""
    half = CAPTIONS_HALF * canvas.unit
    return Box(canvas.safe_left, canvas.caption_centre[1] - half, canvas.safe_right - canvas.safe_left, 2 * half)
