"""The frames that clips fill: their size, and the places for text in them."""

from dataclasses import dataclass

from clipmill.contracts.options import OutputFormat


@dataclass(frozen=True, slots=True)
class Canvas:
    """A clip's frame, in pixels, positions from the top left corner. No platform covers its safe zone with controls.

    Attributes:
        width: Even width.
        height: Even height.
        safe_left: Left edge of the safe zone.
        safe_top: Upper edge of the safe zone.
        safe_right: Right edge of the safe zone.
        safe_bottom: Lower edge of the safe zone.
        caption_centre: Middle of captions that do not have to avoid a face.
        hook_centre: Middle of the hook title.
    """

    width: int
    height: int
    safe_left: int
    safe_top: int
    safe_right: int
    safe_bottom: int
    caption_centre: tuple[int, int]
    hook_centre: tuple[int, int]

    @property
    def aspect(self) -> float:
        """Ratio of width to height."""
        return self.width / self.height

    @property
    def unit(self) -> float:
        """Ratio of the shorter side to 1080: type and margins are given for 1080 and scale with it."""
        return min(self.width, self.height) / 1080

    @property
    def text_width(self) -> int:
        """Width of the widest line that is centred on the captions' middle and inside the safe zone."""
        middle = self.caption_centre[0]
        return 2 * min(middle - self.safe_left, self.safe_right - middle)


CANVASES = {
    # TikTok, Reels and Shorts together cover of 1080x1920 at most 250 px at the top, 450 at the bottom, 180 on the
    # right and 60 on the left. Text is centred on the picture, not on the safe zone, because viewers see the
    # difference.
    OutputFormat.VERTICAL: Canvas(1080, 1920, 60, 250, 900, 1470, (540, 1300), (540, 380)),
    # Feeds and players cover only a bar at the bottom; the margins are those of EBU R 95's graphics-safe area.
    OutputFormat.SQUARE: Canvas(1080, 1080, 54, 54, 1026, 1000, (540, 860), (540, 150)),
    OutputFormat.HORIZONTAL: Canvas(1920, 1080, 96, 54, 1824, 1000, (960, 890), (960, 150)),
}
