"""The answer of `GET /api/config`: the options of a submission and the limits of a server.

Pages draw their form from it. As in `clipmill.contracts.api`, values of sets that may grow are plain text.
"""

from enum import StrEnum

from msgspec import Struct


class OptionKind(StrEnum):
    """The form of an option's value."""

    CHOICE = "choice"
    """One of `values`."""
    SWITCH = "switch"
    """True or false; a form sends `on` or `off`."""
    WHOLE = "whole"
    """A whole number."""
    NUMBER = "number"
    """A number."""
    TEXT = "text"
    """A text."""
    TERMS = "terms"
    """A list of texts; a form separates them by commas or new lines."""
    FILE = "file"
    """A file of the form."""


class OptionView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An option of a submission, and the values that the server takes.

    Attributes:
        name: Name of the field.
        kind: One of `OptionKind`.
        default: Value for a submission without the field; None if the server then decides by the video.
        values: Values of a choice, or the formats of a file.
        least: Least number.
        most: Greatest number, None for no limit; of a file, its size in bytes; of terms, their number.
        characters: Most characters of a text, or of each term.
    """

    name: str
    kind: str
    default: object = None
    values: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    characters: int | None = None


class ServerConfig(Struct, frozen=True, kw_only=True):
    """The options and limits of a server.

    Attributes:
        options: Options of a submission, in the order of a form.
        models: Names of the Whisper models that the option `model` takes; empty if no job may choose.
        max_upload_bytes: Size of the largest file that is accepted, in bytes.
        max_url_characters: Length of the longest URL that is accepted.
        min_part_seconds: Shortest part of a video that `start` and `end` may leave, in seconds.
        list_limit: Most jobs in one answer of `GET /api/jobs`.
        wait_limit: Longest wait that `GET /api/status/<job>` takes, in seconds.
        retention_seconds: Time for which a job is kept after its end, in seconds.
    """

    options: tuple[OptionView, ...]
    models: tuple[str, ...]
    max_upload_bytes: int
    max_url_characters: int
    min_part_seconds: float
    list_limit: int
    wait_limit: int
    retention_seconds: float
