"""The hook: the clip's title, large in the picture for its first seconds."""

from collections.abc import Callable

from clipmill.renderer.canvas import Canvas
from clipmill.renderer.compositing import Overlay, blend
from clipmill.renderer.framings import Framing
from clipmill.renderer.lettering import draw_words, legible, set_words
from clipmill.renderer.pictures import Picture

SECONDS = 3.0
"""How long it stays: time to read eight words twice."""


class Hook:
    """Draws a clip's title on its first frames.

    Args:
        title: of the clip; one without a drawable letter is not drawn.
        canvas: that is drawn on.
        rate: frames a second.
        framing_at: gives what is shown at a frame of the clip.
    """

    def __init__(self, title: str, canvas: Canvas, rate: float, framing_at: Callable[[int], Framing]) -> None:
        words = legible(title).split()
        self._rate = rate
        self._picture: Overlay | None = None
        if words:
            down = int((canvas.hook_centre[1] - canvas.caption_centre[1]) // 2) * 2
            self._picture = draw_words(set_words(words), -1, down)

    def draw(self, index: int, canvas: Picture) -> None:
        """Draw what is to be seen of the title at frame `index`."""
        if self._picture is not None and index / self._rate < SECONDS:
            blend(self._picture, canvas)
