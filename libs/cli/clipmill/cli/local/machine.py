"""All of clipmill on one machine: NATS, the store's folder and the five services, as `clipmill up` runs them."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.util import find_spec

from clipmill.cli.local.data_folder import DataFolder, RunningState
from clipmill.cli.local.embedded_nats import NatsPorts, nats_program
from clipmill.cli.local.ports import free_ports, port_is_free
from clipmill.cli.local.service_logs import LogFiles, to_all
from clipmill.cli.local.supervisor import Program, Supervisor, python_module, together
from clipmill.cli.local.topology import apply_topology
from clipmill.contracts import stages
from clipmill.operations.settings import CommonSettings, load_settings

GATEWAY = "gateway"
SERVICES = (GATEWAY, *stages.SERVICES)

READY_PATIENCE_SECONDS = 120.0
"""Time for all programs to be ready: ten times what two busy cores need, because a first start reads a slow disk."""

STOP_MARGIN_SECONDS = 5.0
"""Time that a service gets to stop, beyond the grace for its own work."""

LAST_POSSIBLE_PORT = 65535

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not listened on
"""Address at which this machine reaches a server that listens on all addresses."""


class CannotStart(Exception):
    """The machine cannot start here; the message says why and what to do."""


class Machine:
    """Everything on one machine, from `start` to `stop`.

    A NATS server named by CLIPMILL_NATS_URL, or a store named by CLIPMILL_STORE_URL, is used and not started. All other
    CLIPMILL_* variables reach the services unchanged.

    Args:
        folder: Data folder.
        port: Port of the gateway; 0 takes any free port.
        environ: Environment.
        on_line: Callback for (name, line) of each line that a program prints; the log files have it too.
        on_event: Callback for a sentence when a program dies and is started again.
    """

    def __init__(
        self,
        folder: DataFolder,
        port: int,
        environ: Mapping[str, str],
        *,
        on_line: Callable[[str, str], None],
        on_event: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._wanted_port = port
        self._environ = dict(environ)
        self._held = ExitStack()
        self._log_files = LogFiles(folder.logs)
        self._supervisor = Supervisor(on_line=to_all(self._log_files.write, on_line), on_event=on_event)
        self._ports: dict[str, int] = {}
        self._nats_ports: NatsPorts | None = None
        self._locked = False

    @property
    def url(self) -> str:
        """Address of the gateway, known once `start` has begun."""
        return f"http://{self._host}:{self._ports[GATEWAY]}"

    @property
    def _host(self) -> str:
        host = ANYWHERE.get(self._settings.host, self._settings.host)
        return f"[{host}]" if ":" in host else host

    async def start(self) -> None:
        """Start everything and return when it is ready for work; after a failure, `stop` must still be awaited.

        Raises:
            CannotStart: if a service is not installed or the gateway's port is taken.
            FolderInUse: if another process works in the folder.
            FolderUnusable: if the folder cannot be read or written.
            NatsServerMissing: if there is no nats-server.
            NoPort: if there are no free ports.
            SettingsError: if a variable that all services share has a wrong value.
            ServerUnavailable: if the user's NATS server does not answer or refuses.
            StartFailed: if a program cannot be started.
        """
        deadline = time.monotonic() + READY_PATIENCE_SECONDS
        with self._folder.usable():
            self._held.enter_context(self._folder.locked())
            self._locked = True
            self._folder.remove_state()
        self._complete_environment()
        await self._start_nats()
        services = [self._service(name) for name in SERVICES]
        await together(
            self._supervisor.start(services, patience=deadline - time.monotonic()), apply_topology(self._settings)
        )
        state = RunningState(
            pid=os.getpid(),
            url=self.url,
            nats_url=self._settings.nats_url,
            store_url=self._settings.store_url,
            ports=self._ports,
            nats_monitoring_port=None if self._nats_ports is None else self._nats_ports.monitoring,
        )
        with self._folder.usable():
            self._folder.write_state(state)

    async def stop(self) -> None:
        """Stop everything, NATS last."""
        if self._locked:
            self._folder.remove_state()
        await self._supervisor.stop()
        self._log_files.close()
        self._held.close()

    def kill(self) -> None:
        """Kill everything at once; `stop` must still be awaited."""
        self._supervisor.kill()

    def _complete_environment(self) -> None:
        """Set the variables that the user's environment leaves open; an empty variable counts as unset."""
        given = {name for name, value in self._environ.items() if value.strip()}
        with self._folder.usable():
            if "CLIPMILL_SECRET_KEY" not in given:
                self._environ["CLIPMILL_SECRET_KEY"] = self._folder.secret_key()
            if "CLIPMILL_STORE_URL" not in given:
                self._folder.store.mkdir(exist_ok=True)
                self._environ["CLIPMILL_STORE_URL"] = self._folder.store.as_uri()
        if "CLIPMILL_NATS_URL" not in given:
            self._nats_ports = NatsPorts(*free_ports(2))
            self._environ["CLIPMILL_NATS_URL"] = self._nats_ports.url
        self._settings = load_settings(CommonSettings, "", self._environ)
        self._choose_ports(given)

    def _choose_ports(self, given: set[str]) -> None:
        host = self._settings.host
        free = iter(free_ports(len(SERVICES), host))
        for name in SERVICES:
            variable = f"CLIPMILL_{name.upper()}_PORT"
            wanted = (
                self._wanted_port if name == GATEWAY else _port(variable, self._environ) if variable in given else 0
            )
            if wanted and not port_is_free(wanted, host):
                option = "--port" if name == GATEWAY else variable
                raise CannotStart(
                    f"Port {wanted} of {host} is in use; stop the program that uses it, or choose another port "
                    f"with {option}."
                )
            self._ports[name] = wanted or next(free)
            self._environ[variable] = str(self._ports[name])

    async def _start_nats(self) -> None:
        if self._nats_ports is not None:
            with self._folder.usable():
                program = nats_program(self._folder.nats, self._nats_ports, self._environ)
            await self._supervisor.start([program], patience=READY_PATIENCE_SECONDS)

    def _service(self, name: str) -> Program:
        if find_spec(f"clipmill.{name}") is None:
            raise CannotStart(f"The service {name} is not installed here; run `pip install clipmill-{name}`.")
        return Program(
            name=name,
            command=python_module(f"clipmill.{name}"),
            environ=self._environ,
            ready_url=f"http://{self._host}:{self._ports[name]}/health/ready",
            stop_seconds=self._settings.shutdown_seconds + STOP_MARGIN_SECONDS,
        )


def _port(variable: str, environ: Mapping[str, str]) -> int:
    text = environ[variable].strip()
    if not text.isdecimal() or int(text) > LAST_POSSIBLE_PORT:
        raise CannotStart(f"{variable} is {text!r}, but must be a port: a whole number from 0 to {LAST_POSSIBLE_PORT}.")
    return int(text)
