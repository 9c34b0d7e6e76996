"""The end of a command: its exit status, and its sentence if it fails."""

from enum import IntEnum

import click


class ExitStatus(IntEnum):
    """The exit status of a command, documented in `clipmill --help`, so scripts may rely on it."""

    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class WorkFailed(click.ClickException):
    """The work was accepted and failed."""

    exit_code = ExitStatus.FAILED


class WrongRequest(click.ClickException):
    """The request is wrong and would fail again."""

    exit_code = ExitStatus.USAGE


class ServerUnavailable(click.ClickException):
    """No server answers, or it is busy or broken; another try may work later."""

    exit_code = ExitStatus.UNREACHABLE
