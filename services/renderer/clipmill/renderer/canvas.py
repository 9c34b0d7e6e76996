"""The frames that clips fill: their size, and where text may stand in them."""

from dataclasses import dataclass

from clipmill.contracts.options import OutputFormat


@dataclass(frozen=True, slots=True)
class Canvas:
    """A clip's frame. All numbers are pixels; the safe zone's are positions from the top left corner.

    Attributes:
        width: even.
        height: even.
        safe_left: where the zone begins that no platform covers with its own controls.
        safe_top: likewise.
        safe_right: where it ends.
        safe_bottom: likewise.
        caption_centre: the middle of captions that make way for nobody.
        hook_centre: the middle of the hook title.
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
        """Width over height."""
        return self.width / self.height

    @property
    def unit(self) -> float:
        """The shorter side over 1080: type and margins are given for 1080 and scale with it."""
        return min(self.width, self.height) / 1080

    @property
    def text_width(self) -> int:
        """The widest line that is centred on the captions' middle and inside the safe zone."""
        middle = self.caption_centre[0]
        return 2 * min(middle - self.safe_left, self.safe_right - middle)


CANVASES = {
    # What TikTok, Reels and Shorts cover of 1080x1920, the most that any of them does: 250 px at the top, 450 at the
    # bottom, 180 on the right, 60 on the left. Text is centred on the picture, which readers take for the middle.
    OutputFormat.VERTICAL: Canvas(1080, 1920, 60, 250, 900, 1470, (540, 1300), (540, 380)),
    # Feeds and players cover nothing but their bar at the bottom; margins are those of EBU R 95's graphics-safe area.
    OutputFormat.SQUARE: Canvas(1080, 1080, 54, 54, 1026, 1000, (540, 860), (540, 150)),
    OutputFormat.HORIZONTAL: Canvas(1920, 1080, 96, 54, 1824, 1000, (960, 890), (960, 150)),
}
