"""Values of `recorded/` with a decision about captions, which a job with the option `captions=auto` leaves to its plan.

The options of older versions, which always drew captions unless a job said otherwise, are `BOLD`.
"""

from clipmill.contracts.documents import CaptionDecision, Plan
from clipmill.contracts.events import ClipsPlanned, Event, Queued
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import CaptionStyle, JobOptions, Profanity
from msgspec.structs import replace

BOLD = JobOptions(captions=CaptionStyle.BOLD)
DEFAULTS = replace(BOLD, target_clips=3)
"""The options of a submission without any, as versions filled them in that had a default number of clips."""

SALT = replace(BOLD, about="Salz im Teig")
SALT_PART = replace(SALT, exclude="Werbung", start=12.5, end=90.0, profanity=Profanity.MASK, target_clips=1)
AUTO = JobOptions(captions=CaptionStyle.AUTO)

JOB = JobId("7cab9d6f-de8a-4bc9-9daf-fe9a8b1cd4d7")
AT = 1767231600.25
GUESSES = CaptionDecision(style=CaptionStyle.OFF, reason="Most words are guesses.")

GUESSED: tuple[Event, ...] = (
    Queued(job=JOB, at=AT, source="Mehl.mp4", upload=True, options=AUTO),
    ClipsPlanned(job=JOB, at=AT + 10, count=1, reserve=3, good=0, captions=GUESSES),
)
GUESSED_PLAN = Plan(clips=(), picker="local", options=AUTO, good=0, captions=GUESSES)
