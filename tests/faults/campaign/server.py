"""A nats-server that can be killed and started again on its port and data."""

from pathlib import Path

from clipmill.cli.local.embedded_nats import NatsPorts, find_nats_server, write_configuration
from clipmill.cli.local.ports import free_ports
from clipmill.operations.processes import OwnedProcess, start_process


class NatsServer:
    """A nats-server with JetStream in a folder that syncs every acknowledged write to the disk.

    Args:
        folder: Folder of the data, the configuration and the log.

    Attributes:
        kills: Number of times that it was killed.
    """

    def __init__(self, folder: Path) -> None:
        self.kills = 0
        self._folder = folder
        self._ports = NatsPorts(*free_ports(2))
        self._process: OwnedProcess | None = None

    @property
    def url(self) -> str:
        """Return the address that clients connect to."""
        return self._ports.url

    async def start(self) -> None:
        """Start the server; clients wait by themselves until it answers."""
        configuration = write_configuration(self._folder, self._ports)
        with (self._folder / "nats.log").open("ab") as log:
            self._process = await start_process(
                [find_nats_server(), "--config", configuration], stdout=log.fileno(), stderr=log.fileno()
            )

    async def kill(self) -> None:
        """Kill the server at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        self.kills += 1
