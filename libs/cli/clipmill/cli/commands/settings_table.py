"""`clipmill config`: every setting of every service, as the services themselves list them."""

import asyncio
from asyncio.subprocess import PIPE
from importlib.util import find_spec
from typing import TextIO

import msgspec
from clipmill.cli.local.machine import SERVICES
from clipmill.cli.local.supervisor import python_module
from clipmill.cli.outcomes import ExitStatus, WorkFailed, WrongRequest
from clipmill.cli.screen.tables import new_table, print_table
from msgspec import Struct
from rich.text import Text


class Setting(Struct, frozen=True, kw_only=True):
    """One setting as a service describes it.

    Attributes:
        variable: Environment variable.
        type: Allowed values, in words.
        default: Default value, empty if there is none.
        description: Purpose, with its unit.
        value: Value in force; secrets are hidden.
        source: Origin of the value: `default`, `environment`, or the old name under which the variable is set.
    """

    variable: str
    type: str
    default: str
    description: str
    value: str
    source: str = ""


class ServiceConfig(Struct, frozen=True, kw_only=True):
    """The settings of one service.

    Attributes:
        service: Name of the service.
        settings: Settings of the service, empty if the service could not list them.
        problem: Reason why the service could not list its settings, empty if it could.
        exit_status: Exit status of the service's command `config`, 0 if the service is not installed.
    """

    service: str
    settings: tuple[Setting, ...] = ()
    problem: str = ""
    exit_status: int = 0


async def ask_all() -> list[ServiceConfig]:
    """Return the settings of each service, in the order of `SERVICES`."""
    return list(await asyncio.gather(*(_ask(name) for name in SERVICES)))


async def _ask(service: str) -> ServiceConfig:
    if find_spec(f"clipmill.{service}") is None:
        return ServiceConfig(service=service, problem=f"not installed here; run `pip install clipmill-{service}`")
    process = await asyncio.create_subprocess_exec(
        *python_module(f"clipmill.{service}", "config", "--json"), stdout=PIPE, stderr=PIPE
    )
    answer, complaint = await process.communicate()
    if process.returncode != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        problem = (
            lines[-1]
            if lines
            else f"`python -m clipmill.{service} config` ended with status {process.returncode} and gave no reason; "
            "check that it runs"
        )
        return ServiceConfig(
            service=service,
            problem=problem.removeprefix(f"clipmill {service}: "),
            exit_status=process.returncode or 0,
        )
    return ServiceConfig(service=service, settings=msgspec.json.decode(answer, type=tuple[Setting, ...]))


def print_settings(configs: list[ServiceConfig], out: TextIO) -> None:
    """Print each setting once, first those that all services share, and then the services that are missing."""
    table = new_table("variable", "value", "default", "source", "purpose")
    for setting in merged(configs):
        style = "" if setting.value == setting.default else "bold"
        table.add_row(
            Text(setting.variable, style),
            Text(setting.value, style),
            Text(setting.default),
            Text(setting.source),
            _explained(setting),
        )
    print_table(table, out)
    for config in configs:
        if config.problem and not config.exit_status:
            out.write(f"{config.service}: {config.problem}\n")


def require_answers(configs: list[ServiceConfig]) -> None:
    """Raise the problems of the services that could not list their settings; each problem is named once.

    Raises:
        WrongRequest: if a variable has a wrong value.
        WorkFailed: if a service failed for another reason.
    """
    failed = [config for config in configs if config.exit_status]
    services: dict[str, list[str]] = {}
    for config in failed:
        services.setdefault(config.problem, []).append(config.service)
    message = "\n".join(f"{', '.join(names)}: {problem}" for problem, names in services.items())
    if any(config.exit_status != ExitStatus.USAGE for config in failed):
        raise WorkFailed(message)
    if failed:
        raise WrongRequest(message)


def merged(configs: list[ServiceConfig]) -> list[Setting]:
    """Return each setting once, those that services share first."""
    shared: dict[str, Setting] = {}
    own: dict[str, Setting] = {}
    for config in configs:
        prefix = f"CLIPMILL_{config.service.upper()}_"
        for setting in config.settings:
            (own if setting.variable.startswith(prefix) else shared).setdefault(setting.variable, setting)
    return [*shared.values(), *own.values()]


def _explained(setting: Setting) -> Text:
    return Text(f"{setting.description} ({setting.type})")
