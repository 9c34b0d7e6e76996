"""How a command ends: its exit status, and the sentence it leaves behind when it cannot do what was asked."""

from enum import IntEnum

import click


class ExitStatus(IntEnum):
    """What `$?` says; documented in `clipmill --help`, so scripts may rely on it."""

    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class WorkFailed(click.ClickException):
    """The work was accepted and failed."""

    exit_code = ExitStatus.FAILED


class WrongRequest(click.ClickException):
    """What was asked for is wrong: trying the same again would fail again."""

    exit_code = ExitStatus.USAGE


class ServerUnavailable(click.ClickException):
    """No server, a busy one or a broken one: trying again later may work."""

    exit_code = ExitStatus.UNREACHABLE
