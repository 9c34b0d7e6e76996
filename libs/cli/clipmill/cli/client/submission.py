"""The options of a submission, with their names in the API and their flags in `clipmill submit`."""

import re
from pathlib import Path

import msgspec
from msgspec import Struct

FLAGS = {
    "target_clips": "--clips",
    "clip_min_seconds": "--min-seconds",
    "clip_max_seconds": "--max-seconds",
    "about": "--about",
    "exclude": "--exclude",
    "start": "--start",
    "end": "--end",
    "language": "--language",
    "captions": "--captions",
    "output_format": "--format",
    "layout": "--layout",
    "background": "--background",
    "profanity": "--profanity",
    "vocabulary": "--vocabulary",
    "model": "--model",
    "transcript": "--transcript",
    "hook": "--hook",
    "priority": "--priority",
}
"""Flag for each field of the API."""

NAMED = re.compile(r"(?<=The option )[a-z_]+|\b[a-z]+(?:_[a-z]+)+\b")
"""Name of a field in a sentence: the word after "The option", or any word with an underscore."""


class Submission(Struct, frozen=True, kw_only=True):
    """The options of one submission; None leaves the choice to the server.

    Attributes:
        target_clips: Number of clips; the server makes all good moments if it is left out.
        clip_min_seconds: Shortest clip, in seconds.
        clip_max_seconds: Longest clip, in seconds.
        about: Subject that the clips should be about.
        exclude: Subject that no clip may be about.
        start: Start of the part of the video that is used, in seconds.
        end: End of the part of the video that is used, in seconds.
        language: Whisper's code of the spoken language, or `auto`.
        captions: Style of the captions, or `off`.
        output_format: Shape of the clips.
        layout: Layout of the shots in the frame.
        background: Background of pictures that do not fill the frame.
        profanity: Treatment of swear words in captions.
        hook: True to show the title in the first seconds.
        priority: Priority, `high` or `normal`.
        vocabulary: Names and terms that the recogniser should know, separated by new lines or commas.
        model: Name of the Whisper model, among those that the server allows.
        transcript: File of a transcript that is used in place of recognition.
    """

    target_clips: int | None = None
    clip_min_seconds: float | None = None
    clip_max_seconds: float | None = None
    about: str | None = None
    exclude: str | None = None
    start: float | None = None
    end: float | None = None
    language: str | None = None
    captions: str | None = None
    output_format: str | None = None
    layout: str | None = None
    background: str | None = None
    profanity: str | None = None
    hook: bool | None = None
    priority: str | None = None
    vocabulary: str | None = None
    model: str | None = None
    transcript: Path | None = None

    def fields(self) -> dict[str, int | float | str | bool]:
        """Return the chosen options, without the file of the transcript."""
        options = msgspec.structs.asdict(self)
        del options["transcript"]
        return {name: value for name, value in options.items() if value is not None}


def in_flags(sentence: str) -> str:
    """Return the server's sentence with the flags of `clipmill submit` in place of the API's fields."""
    return NAMED.sub(lambda name: FLAGS.get(name[0], name[0]), sentence)
