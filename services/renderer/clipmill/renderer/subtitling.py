"""Drawing the captions on the frames of a clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clipmill.contracts.documents import Segment
from clipmill.contracts.options import CaptionStyle
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.captions import Chunk, chunks, clip_words
from clipmill.renderer.compositing import Overlay, blend
from clipmill.renderer.framings import Framing
from clipmill.renderer.lettering import Setting, draw_words, fits, set_words, shift
from clipmill.renderer.pictures import Picture


@dataclass(frozen=True, slots=True)
class Captioning:
    """What a clip's captions say.

    Attributes:
        chunks: in order, none overlapping the next.
        missing: the letters that no font has and that are therefore not drawn, in order of their first appearance.
    """

    chunks: tuple[Chunk, ...]
    missing: str = ""


def caption(segments: Sequence[Segment], start: float, end: float, style: CaptionStyle, canvas: Canvas) -> Captioning:
    """Return the captions of a clip.

    Args:
        segments: of the transcript, in order.
        start: of the clip, seconds of the source.
        end: likewise.
        style: they will be drawn in; `off` divides them as `bold` does.
        canvas: they will be drawn on.
    """
    return Captioning(tuple(chunks(clip_words(segments, start, end), fits, end - start)))


class Subtitler:
    """Draws a clip's captions; the picture of a chunk with a word lit up is made once and kept while it is shown.

    Args:
        chunks: of the clip, in order.
        style: of the letters; `off` draws nothing.
        canvas: that is drawn on.
        rate: frames a second.
        framing_at: gives what is shown at a frame of the clip.
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
        self._rate = rate
        self._framing_at = framing_at
        self._current = -1
        self._setting: Setting | None = None
        self._down = 0
        self._active = -1
        self._picture: Overlay | None = None

    def draw(self, index: int, canvas: Picture) -> None:
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
            faces = self._framing_at(index).faces
            self._down = shift(self._setting, faces[0] if faces else None, self._down)
        active = self._chunks[begun].active(seconds)
        if active != self._active or self._picture is None:
            self._active, self._picture = active, draw_words(self._setting, active, self._down)
        blend(self._picture, canvas)
