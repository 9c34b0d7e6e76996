"""The options of a submission."""

from enum import StrEnum

from msgspec import Struct

CLIPS_LIMIT = 15
"""The most clips that one job may ask for."""

RESERVE_LIMIT = 30
"""The most clips in a plan's reserve: two for each clip that a job may ask for."""

JOB_CLIPS_LIMIT = CLIPS_LIMIT + RESERVE_LIMIT
"""The most clips of one job: those of its plan and of its reserve."""

CLIP_SECONDS_FLOOR = 5.0
"""The shortest clip that may be asked for, in seconds; anything shorter is too short for a moment."""

CLIP_SECONDS_LIMIT = 180.0
"""The longest clip that may be asked for, in seconds: the longest that TikTok, Reels and Shorts all accept."""


class OutputFormat(StrEnum):
    """The shape of a clip."""

    VERTICAL = "vertical"
    """1080x1920, for TikTok, Reels and Shorts."""
    SQUARE = "square"
    """1080x1080, for feeds."""
    HORIZONTAL = "horizontal"
    """1920x1080, for players on the web."""


class CaptionStyle(StrEnum):
    """The look of the captions in the picture."""

    AUTO = "auto"
    """`bold`, or `off` if the words of the transcript are mostly guesses; the analyzer decides once for a job."""
    BOLD = "bold"
    """Heavy white letters with a black outline; the spoken word is yellow."""
    BOX = "box"
    """Heavy white letters; the spoken word has a coloured box."""
    FILL = "fill"
    """Letters that fill with colour while they are spoken, as in karaoke."""
    CLEAN = "clean"
    """Smaller letters on a dark, translucent panel; words not yet spoken are dimmed."""
    OFF = "off"
    """No captions in the picture."""


class LayoutChoice(StrEnum):
    """The way in which a clip's shots fill its frame."""

    AUTO = "auto"
    """The layout that suits each shot: `track`, `split` or `fit`."""
    TRACK = "track"
    """A crop that follows the speaker; `fit` where there is nobody to follow."""
    FIT = "fit"
    """The whole picture on a background."""
    SPLIT = "split"
    """Two people, one above the other, in shots that show two; `auto` in other shots."""


class Background(StrEnum):
    """The background of a picture that does not fill its frame."""

    BLUR = "blur"
    """The picture itself, enlarged, blurred and darkened."""
    SOLID = "solid"
    """One dark colour."""


class Profanity(StrEnum):
    """The treatment of swear words in captions; titles and hashtags always mask them."""

    KEEP = "keep"
    """Captions show the words as they are said."""
    MASK = "mask"
    """Captions show the first letter and asterisks."""


SUBJECT_LIMIT = 500
"""The most characters of `about` and of `exclude`: a few sentences."""

VOCABULARY_LIMIT = 50
"""The most terms in a vocabulary. Whisper hears at most 223 tokens of hotwords, half of its prompt, and a name with the
mark after it takes three to five of them."""

TERM_LIMIT = 60
"""The most characters of a term: a full name, or the name of an institution; anything longer is a sentence."""

RANGE_FLOOR = 5.0
"""The shortest part of a source that may be asked for, in seconds: as long as the shortest clip."""


class JobOptions(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The options of one job, validated, with defaults filled in.

    Attributes:
        target_clips: Number of clips wanted, from 1 to 15; a short video may give fewer. None for all good moments, at
            least 2 where so many fit and at most 15.
        clip_min_seconds: Shortest duration of a clip, in seconds.
        clip_max_seconds: Longest duration of a clip, in seconds.
        language: Code of the spoken language, one of `SPOKEN_LANGUAGES`; None to detect it.
        captions: Style of the captions in the picture, `off`, or `auto`.
        output_format: Shape of the clips.
        layout: Way in which shots fill the frame.
        background: Background of pictures that do not fill the frame.
        hook: True to show the clip's title in its first seconds.
        about: Subject that the clips should be about, in words of the submitter; empty for any.
        exclude: Subject that no clip may be about, in words of the submitter; empty for none.
        start: Start of the part of the source that is used, in seconds; None for the source's own start.
        end: End of the part of the source that is used, in seconds; None for the source's own end.
        profanity: Treatment of swear words in captions.
        vocabulary: Names and terms that the recogniser should know; data, never an instruction to a model.
        model: Name of the Whisper model that recognises the speech; None for the operator's choice.
        transcript: True if the submitter gave the transcript, so no speech is recognised.
    """

    target_clips: int | None = None
    clip_min_seconds: float = 15.0
    clip_max_seconds: float = 60.0
    language: str | None = None
    captions: CaptionStyle = CaptionStyle.AUTO
    output_format: OutputFormat = OutputFormat.VERTICAL
    layout: LayoutChoice = LayoutChoice.AUTO
    background: Background = Background.BLUR
    hook: bool = False
    about: str = ""
    exclude: str = ""
    start: float | None = None
    end: float | None = None
    profanity: Profanity = Profanity.KEEP
    vocabulary: tuple[str, ...] = ()
    model: str | None = None
    transcript: bool = False


SPOKEN_LANGUAGES = frozenset(
    (
        "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr "
        "gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv "
        "mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn "
        "so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
    ).split()
)
"""The language codes that Whisper's tokenizer knows (openai/whisper, `tokenizer.py`, with `yue` of large-v3)."""
