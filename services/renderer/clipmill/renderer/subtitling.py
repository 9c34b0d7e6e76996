"""Drawing the captions on the frames of a clip."""

from collections.abc import Sequence

from clipmill.renderer.captions import Chunk
from clipmill.renderer.compositing import Overlay, blend
from clipmill.renderer.directing import Framing
from clipmill.renderer.lettering import Setting, draw_words, set_words, shift
from clipmill.renderer.pictures import Picture
from clipmill.renderer.reframing import placed


class Subtitler:
    """Draws a clip's captions; the picture of a chunk with a word lit up is made once and kept while it is shown.

    Args:
        chunks: of the clip, in order.
        rate: frames a second.
    """

    def __init__(self, chunks: Sequence[Chunk], rate: float) -> None:
        self._chunks = list(chunks)
        self._rate = rate
        self._current = -1
        self._setting: Setting | None = None
        self._down = 0
        self._active = -1
        self._picture: Overlay | None = None

    def draw(self, index: int, framing: Framing, canvas: Picture) -> None:
        """Draw what is to be read at frame `index`; frames come in order."""
        seconds = (index + 0.5) / self._rate
        begun = self._current
        while begun + 1 < len(self._chunks) and self._chunks[begun + 1].start <= seconds:
            begun += 1
        if begun < 0 or seconds >= self._chunks[begun].end:
            return
        if begun != self._current or self._setting is None:
            self._current, self._picture = begun, None
            self._setting = set_words(self._chunks[begun].texts)
            face = None if framing.subject is None else placed(framing.subject, framing)
            self._down = shift(self._setting, face, self._down)
        active = self._chunks[begun].active(seconds)
        if active != self._active or self._picture is None:
            self._active, self._picture = active, draw_words(self._setting, active, self._down)
        blend(self._picture, canvas)
