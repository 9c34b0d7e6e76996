"""What a submission may ask for."""

from msgspec import Struct

CLIPS_LIMIT = 15
"""The most clips that one job may ask for."""

CLIP_SECONDS_FLOOR = 5.0
"""The shortest clip that may be asked for, seconds: below it there is no moment, only a flash."""

CLIP_SECONDS_LIMIT = 180.0
"""The longest clip that may be asked for, seconds: the longest that TikTok, Reels and Shorts all take."""


class JobOptions(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The options of one job, validated, defaults filled in.

    Attributes:
        target_clips: how many clips are wanted, 1 to 15; a short video may give fewer.
        clip_min_seconds: the shortest clip, seconds.
        clip_max_seconds: the longest clip, seconds.
        language: ISO 639-1 code of the speech, None to detect it.
        captions: whether words are burned into the picture.
    """

    target_clips: int = 3
    clip_min_seconds: float = 15.0
    clip_max_seconds: float = 60.0
    language: str | None = None
    captions: bool = True


SPOKEN_LANGUAGES = frozenset(
    (
        "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr "
        "gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv "
        "mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn "
        "so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
    ).split()
)
"""The language codes that Whisper's tokenizer knows (openai/whisper, `tokenizer.py`, with `yue` of large-v3)."""
