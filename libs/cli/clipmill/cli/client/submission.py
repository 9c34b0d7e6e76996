"""What a submission asks for: the names that the API gives it, and those of `clipmill submit`."""

import re

import msgspec
from msgspec import Struct

FLAGS = {
    "target_clips": "--clips",
    "clip_min_seconds": "--min-seconds",
    "clip_max_seconds": "--max-seconds",
    "language": "--language",
    "captions": "--captions",
    "output_format": "--format",
    "layout": "--layout",
    "background": "--background",
    "hook": "--hook",
    "priority": "--priority",
}
"""The flag of each field of the API."""

NAMED = re.compile(r"(?<=The option )[a-z_]+|\b[a-z]+(?:_[a-z]+)+\b")
"""A field's name in a sentence: what follows "The option", and whatever has an underscore."""


class Submission(Struct, frozen=True, kw_only=True):
    """The options of one submission; None leaves the choice to the server.

    Attributes:
        target_clips: how many clips are wanted.
        clip_min_seconds: the shortest clip, seconds.
        clip_max_seconds: the longest clip, seconds.
        language: ISO 639-1 code of the speech.
        captions: the style of the words in the picture, or `off`.
        output_format: the shape of the clips.
        layout: how shots fill the frame.
        background: behind pictures that do not fill it.
        hook: whether the title stands in the picture for the first seconds.
        priority: `high` or `normal`.
    """

    target_clips: int | None = None
    clip_min_seconds: float | None = None
    clip_max_seconds: float | None = None
    language: str | None = None
    captions: str | None = None
    output_format: str | None = None
    layout: str | None = None
    background: str | None = None
    hook: bool | None = None
    priority: str | None = None

    def fields(self) -> dict[str, int | float | str | bool]:
        """Return what was chosen."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


def in_flags(sentence: str) -> str:
    """Return a sentence of the server with the flags of `clipmill submit` in place of the API's fields."""
    return NAMED.sub(lambda name: FLAGS.get(name[0], name[0]), sentence)
