"""Draws a clip's frames in order: the picture in its layout, then captions and title over it."""

from collections.abc import Callable, Iterable, Iterator

import av
from clipmill.contracts.options import Background
from clipmill.renderer.drawing.posters import PosterPicker
from clipmill.renderer.drawing.reframing import Reframer
from clipmill.renderer.framings import Framing
from clipmill.renderer.pictures import Picture
from clipmill.renderer.text.hook import Hook
from clipmill.renderer.text.subtitling import Subtitler

NewCanvas = Callable[[], tuple[av.VideoFrame, Picture]]
"""A function that returns a frame to draw on, and its planes."""


class Drawing:
    """Draws all that each frame of a clip shows.

    Args:
        framing_at: Function that returns the framing of a frame of the clip.
        background: Background of pictures that do not fill the canvas.
        subtitler: Subtitler that draws the captions.
        hook: Hook that draws the title; None for no title.
        poster: Picker that considers each frame before anything is written on it.
    """

    def __init__(
        self,
        framing_at: Callable[[int], Framing],
        background: Background,
        subtitler: Subtitler,
        hook: Hook | None,
        poster: PosterPicker,
    ) -> None:
        self._reframer = Reframer()
        self._framing_at = framing_at
        self._background = background
        self._subtitler = subtitler
        self._hook = hook
        self._poster = poster

    def frames(self, pictures: Iterable[Picture], new_canvas: NewCanvas) -> Iterator[av.VideoFrame]:
        """Yield the frame of each picture, the clip's first one first.

        Args:
            pictures: Pictures of the source.
            new_canvas: Function that is called for each frame.
        """
        for index, picture in enumerate(pictures):
            frame, canvas = new_canvas()
            framing = self._framing_at(index)
            self._reframer.draw(picture, framing, canvas, self._background)
            self._poster.consider(index, framing, canvas)
            self._subtitler.draw(index, canvas)
            if self._hook is not None:
                self._hook.draw(index, canvas)
            yield frame
