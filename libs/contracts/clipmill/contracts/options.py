"""What a submission may ask for."""

from enum import StrEnum

from msgspec import Struct

CLIPS_LIMIT = 15
"""The most clips that one job may ask for."""

CLIP_SECONDS_FLOOR = 5.0
"""The shortest clip that may be asked for, seconds: below it there is no moment, only a flash."""

CLIP_SECONDS_LIMIT = 180.0
"""The longest clip that may be asked for, seconds: the longest that TikTok, Reels and Shorts all take."""


class OutputFormat(StrEnum):
    """The shape of a clip."""

    VERTICAL = "vertical"
    """1080x1920, for TikTok, Reels and Shorts."""
    SQUARE = "square"
    """1080x1080, for feeds."""
    HORIZONTAL = "horizontal"
    """1920x1080, for players on the web."""


class CaptionStyle(StrEnum):
    """How words are burned into the picture."""

    BOLD = "bold"
    """Heavy white letters with a black outline, the word being said in yellow."""
    BOX = "box"
    """Heavy white letters, the word being said on a coloured box."""
    FILL = "fill"
    """Letters that fill with colour as they are said, as in karaoke."""
    CLEAN = "clean"
    """Smaller letters on a dark, translucent panel, the words not yet said dimmed."""
    OFF = "off"
    """No words in the picture."""


class LayoutChoice(StrEnum):
    """How a clip's shots fill its frame."""

    AUTO = "auto"
    """Each shot as suits it: `track`, `split` or `fit`."""
    TRACK = "track"
    """A crop that follows who speaks; `fit` where there is nobody to follow."""
    FIT = "fit"
    """The whole picture on a background."""
    SPLIT = "split"
    """Two people stacked where there are two, otherwise as `auto`."""


class Background(StrEnum):
    """What lies behind a picture that does not fill its frame."""

    BLUR = "blur"
    """The picture itself, enlarged, blurred and darkened."""
    SOLID = "solid"
    """One dark colour."""


class JobOptions(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The options of one job, validated, defaults filled in.

    Attributes:
        target_clips: how many clips are wanted, 1 to 15; a short video may give fewer.
        clip_min_seconds: the shortest clip, seconds.
        clip_max_seconds: the longest clip, seconds.
        language: ISO 639-1 code of the speech, None to detect it.
        captions: the style of the words in the picture, or `off`.
        output_format: the shape of the clips.
        layout: how shots fill the frame.
        background: behind pictures that do not fill it.
        hook: whether the clip's title stands in the picture for its first seconds.
    """

    target_clips: int = 3
    clip_min_seconds: float = 15.0
    clip_max_seconds: float = 60.0
    language: str | None = None
    captions: CaptionStyle = CaptionStyle.BOLD
    output_format: OutputFormat = OutputFormat.VERTICAL
    layout: LayoutChoice = LayoutChoice.AUTO
    background: Background = Background.BLUR
    hook: bool = False


SPOKEN_LANGUAGES = frozenset(
    (
        "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr "
        "gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv "
        "mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn "
        "so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
    ).split()
)
"""The language codes that Whisper's tokenizer knows (openai/whisper, `tokenizer.py`, with `yue` of large-v3)."""
