"""The log lines of one machine's programs: all in bounded files, the important ones on the terminal."""

import logging
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

import msgspec
from clipmill.cli.screen.display import printable
from msgspec import Struct
from rich.console import Console
from rich.text import Text

FILE_BYTES = 10 * 1024 * 1024
OLD_FILES = 2
"""Number of older files kept beside the current one, each of at most FILE_BYTES."""

COLOURS = ("cyan", "magenta", "green", "blue", "yellow", "bright_black")

_IMPORTANT = {"warning": "yellow", "error": "bold red", "critical": "bold red"}
"""Levels that a person wants to see, and their styles."""

_NATS_LEVELS = {"[WRN]": "warning", "[ERR]": "error", "[FTL]": "critical"}
_OWN_FIELDS = frozenset({"message", "level", "logger", "time", "service"})


class Line(Struct, frozen=True, kw_only=True):
    """A parsed line of a log.

    Attributes:
        text: Message with its fields.
        level: Level of the log line, such as `info`.
    """

    text: str
    level: str = "info"


def parse_line(line: str) -> Line:
    """Parse `line`, which may be JSON of a service, a line of NATS, or plain text of a library."""
    if line.startswith("{"):
        try:
            fields = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError:
            return Line(text=line)
        extra = [f"{name}={value}" for name, value in fields.items() if name not in _OWN_FIELDS]
        return Line(text=" ".join([str(fields.get("message", "")), *extra]), level=str(fields.get("level", "info")))
    for mark, level in _NATS_LEVELS.items():
        if mark in line:
            return Line(text=line, level=level)
    return Line(text=line)


class LogFiles:
    """The log files of a folder, one for each program."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, RotatingFileHandler] = {}

    def write(self, name: str, line: str) -> None:
        """Append `line` to the log of the program `name`."""
        if name not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[name] = RotatingFileHandler(
                self._folder / f"{name}.log", maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8"
            )
        self._files[name].handle(logging.LogRecord(name, logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()


class LogLines:
    """Shows log lines with their program's name before them, coloured on a terminal.

    Args:
        out: Stream to print to.
        verbose: True to show every line, False to show only warnings and errors.
    """

    def __init__(self, out: TextIO, *, verbose: bool) -> None:
        self._console = Console(file=out, soft_wrap=True, highlight=False)
        self._verbose = verbose
        self._colours: dict[str, str] = {}

    def show(self, name: str, line: str) -> None:
        """Show `line` of the program `name` if it is important or all lines are shown."""
        understood = parse_line(line)
        if not (self._verbose or understood.level in _IMPORTANT):
            return
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        style = _IMPORTANT.get(understood.level, "")
        self._print(Text.assemble((f"{name:>11} │ ", colour), (printable(understood.text), style)))

    def report(self, sentence: str) -> None:
        """Show a sentence of the command itself."""
        self._print(Text(sentence))

    def _print(self, text: Text) -> None:
        # The terminal may be closed before the command ends; the log files have every line.
        with suppress(OSError):
            self._console.print(text)


def to_all(*receivers: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Return a function that passes (name, line) on to each of `receivers`."""

    def pass_on(name: str, line: str) -> None:
        for receiver in receivers:
            receiver(name, line)

    return pass_on
