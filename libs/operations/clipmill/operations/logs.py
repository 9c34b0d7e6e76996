"""Log lines: JSON for machines or coloured text for people, with job, clip and stage on every line of a task's work."""

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import msgspec
import structlog
from clipmill.operations.settings import LogFormat, LogLevel
from structlog.typing import EventDict, Processor, WrappedLogger

_NOISY = ("aiohttp.access", "asyncio", "nats", "httpx2", "httpcore2")
"""Libraries that log each step; only their warnings and errors are kept."""

_SENSITIVE = frozenset(
    {
        "api_key",
        "authorization",
        "cookie",
        "gemini_api_key",
        "password",
        "secret",
        "secret_key",
        "token",
        "x-gemini-key",
    }
)

_LEADING = ("time", "level", "service", "logger", "message")
"""Fields that come first in a JSON line, because people look for them."""

_concealed: Counter[str] = Counter()


def configure(service: str, log_format: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send all log lines of this process, also those of libraries, through one formatter.

    Args:
        service: Name of the service on every line.
        log_format: Form of the lines; `auto` is human on a terminal, otherwise JSON.
        level: Least important level that is written; libraries that log each step write only warnings.
        stream: Stream to write to; standard error by default.
    """
    stream = stream or sys.stderr
    human = log_format is LogFormat.HUMAN or (log_format is LogFormat.AUTO and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _with_service(service),
        _hide_sensitive,
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter(foreign_pre_chain=shared, processors=_rendering(human, stream)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module: `get_logger(__name__)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bound(**ids: str | int | None) -> Iterator[None]:
    """Put ids such as `job`, `stage` and `clip` on every line that is logged inside, also by libraries.

    They hold for the current asyncio task and the tasks it starts. An id that is None is left out.
    """
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


@contextmanager
def concealed(secret: str) -> Iterator[None]:
    """Replace `secret` by *** in all lines that any task or library logs inside."""
    conceal(secret)
    try:
        yield
    finally:
        _concealed[secret] -= 1
        if _concealed[secret] <= 0:
            del _concealed[secret]


def conceal(secret: str) -> None:
    """Replace `secret` by *** in all lines that this process logs from now on."""
    if secret:
        _concealed[secret] += 1


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """The last step for every line, which replaces all concealed values."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in tuple(_concealed):
            for form in (secret, msgspec.json.encode(secret)[1:-1].decode()):
                line = line.replace(form, "***")
        return line


def _rendering(human: bool, stream: TextIO) -> list[Processor]:
    clean = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if human:
        return [clean, structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="time")]
    return [
        clean,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(event: EventDict, **_: object) -> str:
    ordered = {name: event[name] for name in _LEADING if name in event}
    try:
        return msgspec.json.encode({**ordered, **event}, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a stranger's bytes that are no text, which Python keeps as lone surrogates
        return json.dumps({**ordered, **event}, default=repr)


def _with_service(service: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _hide_sensitive(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in event.keys() & _SENSITIVE:
        event[name] = "***"
    return event
