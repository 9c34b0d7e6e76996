"""The options of a submission with their values, and the limits of this server, for pages that draw a form.

Names, values and limits are those that `options.parse_options` checks against.
"""

from collections.abc import Collection
from functools import partial

import msgspec
from aiohttp import web
from clipmill.artifacts.given_transcripts import BYTES_LIMIT
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.options import (
    CLIP_SECONDS_FLOOR,
    CLIP_SECONDS_LIMIT,
    CLIPS_LIMIT,
    RANGE_FLOOR,
    SPOKEN_LANGUAGES,
    SUBJECT_LIMIT,
    TERM_LIMIT,
    VOCABULARY_LIMIT,
    Background,
    CaptionStyle,
    JobOptions,
    LayoutChoice,
    OutputFormat,
    Profanity,
)
from clipmill.contracts.server_config import OptionKind, OptionView, ServerConfig
from clipmill.gateway.api.jobs import LIST_LIMIT
from clipmill.gateway.api.options import URL_LIMIT
from clipmill.gateway.api.statuses import WAIT_LIMIT

TRANSCRIPT_FORMATS = ("srt", "vtt", "json")
"""The forms of a transcript that a submission may bring, by the usual extension."""

AUTO = "auto"


class Configuration:
    """`GET /api/config`.

    Args:
        max_upload_bytes: Size of the largest file that is accepted, in bytes.
        models: Names of the Whisper models that a job may choose.
        retention_seconds: Time for which a job is kept after its end, in seconds.
    """

    def __init__(self, max_upload_bytes: int, models: Collection[str], retention_seconds: float) -> None:
        config = ServerConfig(
            options=option_views(models),
            models=tuple(models),
            max_upload_bytes=max_upload_bytes,
            max_url_characters=URL_LIMIT,
            min_part_seconds=RANGE_FLOOR,
            list_limit=LIST_LIMIT,
            wait_limit=WAIT_LIMIT,
            retention_seconds=retention_seconds,
        )
        self._body = msgspec.json.encode(config)

    async def config(self, _request: web.Request) -> web.Response:
        """Return the options and the limits; they change only when the gateway starts again."""
        return web.Response(
            body=self._body, content_type="application/json", headers={"Cache-Control": "private, max-age=60"}
        )


def option_views(models: Collection[str]) -> tuple[OptionView, ...]:
    """Return the options of a submission in the order of a form; `model` is among them if there are `models`."""
    defaults = msgspec.to_builtins(JobOptions())
    subject = partial(OptionView, kind=OptionKind.TEXT, characters=SUBJECT_LIMIT, default="")
    seconds = partial(OptionView, kind=OptionKind.NUMBER, least=CLIP_SECONDS_FLOOR, most=CLIP_SECONDS_LIMIT)
    views = (
        OptionView(name="target_clips", kind=OptionKind.WHOLE, least=1, most=CLIPS_LIMIT),
        subject(name="about"),
        subject(name="exclude"),
        OptionView(name="start", kind=OptionKind.NUMBER, least=0),
        OptionView(name="end", kind=OptionKind.NUMBER, least=0),
        seconds(name="clip_min_seconds", default=defaults["clip_min_seconds"]),
        seconds(name="clip_max_seconds", default=defaults["clip_max_seconds"]),
        OptionView(name="language", kind=OptionKind.CHOICE, default=AUTO, values=(AUTO, *sorted(SPOKEN_LANGUAGES))),
        OptionView(name="vocabulary", kind=OptionKind.TERMS, default=(), most=VOCABULARY_LIMIT, characters=TERM_LIMIT),
        OptionView(name="model", kind=OptionKind.CHOICE, values=tuple(models)),
        OptionView(name="transcript", kind=OptionKind.FILE, values=TRANSCRIPT_FORMATS, most=BYTES_LIMIT),
        *(
            OptionView(name=name, kind=OptionKind.CHOICE, default=defaults[name], values=tuple(values))
            for name, values in (
                ("captions", CaptionStyle),
                ("output_format", OutputFormat),
                ("layout", LayoutChoice),
                ("background", Background),
                ("profanity", Profanity),
            )
        ),
        OptionView(name="hook", kind=OptionKind.SWITCH, default=defaults["hook"]),
        OptionView(name="priority", kind=OptionKind.CHOICE, default=Priority.NORMAL, values=tuple(Priority)),
    )
    return tuple(view for view in views if models or view.name != "model")
