"""Moments: windows of a source with the texts that are published about them, whoever picked them."""

from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import ScorePart
from msgspec import Struct
from msgspec.structs import replace

MODEL = "model"
"""Part of a score that a model gave without giving parts."""

ORDER = "order"
"""Part of a score that keeps it apart from the scores of better moments, and between 0 and 100."""


SUBJECT = "subject"
"""Part of a score that lifts a moment about the wanted subject above the others."""


class Moment(Struct, frozen=True, kw_only=True):
    """A clip that may become part of a plan.

    Attributes:
        window: Part of the source.
        title: Title of the clip.
        tiktok: Caption for TikTok.
        instagram: Caption for Instagram.
        youtube: Title for YouTube Shorts.
        score: Virality, from 0 to 100.
        reason: Reason for the choice, for people.
        quote: Sentence that says most about the clip; empty if nobody speaks.
        parts: Parts that sum to the score; empty if they are not known yet.
    """

    window: Window
    title: str
    tiktok: str
    instagram: str
    youtube: str
    score: int
    reason: str = ""
    quote: str = ""
    parts: tuple[ScorePart, ...] = ()


def scored(moment: Moment, score: int, name: str = ORDER) -> Moment:
    """Return `moment` with another score, whose parts say what was changed.

    Args:
        moment: Moment with its former score.
        score: Score from 0 to 100.
        name: Name of the part that takes the difference.
    """
    known = {part.name: part.points for part in moment.parts} or {MODEL: moment.score}
    known[name] = known.get(name, 0) + score - moment.score
    parts = tuple(ScorePart(name=one, points=points) for one, points in known.items() if points or one != name)
    return replace(moment, score=score, parts=parts)
