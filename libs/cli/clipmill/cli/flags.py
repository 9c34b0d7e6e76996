"""The flags that several commands have."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(file_okay=False, path_type=Path)


def _finite(_context: click.Context, parameter: click.Parameter, seconds: float | None) -> float | None:
    """Return the number of seconds; JSON has no infinity."""
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter(f"{seconds} is not a number of seconds.", param=parameter)
    return seconds


def seconds_option(flag: str, *, help_text: str) -> Callable[[Command], Command]:
    """Return an option that is a number of seconds."""
    return click.option(flag, type=float, callback=_finite, help=help_text)


server_option = click.option(
    "--server",
    metavar="URL",
    envvar="CLIPMILL_SERVER",
    default="http://127.0.0.1:8000",
    show_default=True,
    show_envvar=True,
    help="Address of the clipmill server.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print only one JSON document on standard output.")
output_option = click.option(
    "--output",
    type=FOLDER,
    metavar="DIR",
    help="Save each clip in this folder as soon as it is ready; the command then waits for the end of the work.",
)
_SPEECH_OPTIONS = (
    click.option("--language", metavar="CODE", help="Language of the speech, such as en; detected if not given."),
    click.option(
        "--vocabulary",
        metavar="TERMS",
        multiple=True,
        help="Names and terms that Whisper should know, separated by commas; may be given several times.",
    ),
    click.option("--model", metavar="NAME", help="Whisper model, among those that the server allows."),
    click.option(
        "--transcript",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Transcript to use in place of recognition: SubRip, WebVTT or clipmill's JSON.",
    ),
)


def speech_options(command: Command) -> Command:
    """Add the options about what is said to a command, in their order."""
    for option in reversed(_SPEECH_OPTIONS):
        command = option(command)
    return command
