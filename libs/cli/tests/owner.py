"""Keeps NATS and a program running until a test kills it: `owner.py <folder> <python> <script>`."""

import asyncio
import os
import sys
from pathlib import Path

from clipmill.cli.local.embedded_nats import NatsPorts, nats_program
from clipmill.cli.local.ports import free_ports
from clipmill.cli.local.supervisor import Program, Supervisor


async def main(folder: Path, command: tuple[str, ...]) -> None:
    client, monitoring, port = free_ports(3)
    environ = dict(os.environ)
    program = Program(
        name="parent",
        command=(*command, "parent", str(port), "parent"),
        environ=environ,
        ready_url=f"http://127.0.0.1:{port}/",
        stop_seconds=5,
    )

    def on_line(name: str, line: str) -> None:
        if line.startswith("child "):
            sys.stdout.write(line.removeprefix("child ") + "\n")

    supervisor = Supervisor(on_line=on_line, on_event=sys.stderr.write)
    await supervisor.start([nats_program(folder, NatsPorts(client, monitoring), environ), program], patience=30)
    for member in supervisor.members:
        sys.stdout.write(f"{member.pid}\n")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), tuple(sys.argv[2:])))
