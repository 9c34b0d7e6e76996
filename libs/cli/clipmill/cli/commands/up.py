"""`clipmill up`: all of clipmill on one machine, until a signal stops it."""

import asyncio
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from clipmill.cli.client.connection import DEFAULT_SERVER
from clipmill.cli.local.data_folder import DataFolder
from clipmill.cli.local.machine import Machine
from clipmill.cli.local.running import Stopped, run
from clipmill.cli.local.service_logs import LogLines


async def run_up(data: Path, port: int, *, verbose: bool) -> None:
    """Run everything in the folder `data` until a signal comes.

    Args:
        data: Data folder.
        port: Port of the gateway; 0 takes any free port.
        verbose: True to show every log line, False to show only warnings and errors.

    Raises:
        WorkFailed: if the machine cannot be started.
    """
    began = time.monotonic()
    folder = DataFolder(data)
    lines = LogLines(sys.stderr, verbose=verbose)
    machine = Machine(folder, port, os.environ, on_line=lines.show, on_event=lines.report)

    async def serve() -> None:
        lines.report(f"clipmill is ready in {time.monotonic() - began:.1f} s: {machine.url}")
        lines.report(f"Data and logs are in {folder.path}. Submit with: clipmill submit FILE|URL --wait{_at(machine)}")
        lines.report("Press Ctrl-C to stop.")
        await asyncio.Event().wait()

    with suppress(Stopped):
        await run(machine, serve, stopping=lambda: lines.report("Stopping; press Ctrl-C again to stop immediately..."))
    lines.report("Stopped.")


def _at(machine: Machine) -> str:
    """Return the option with which a client reaches `machine`, empty at the default address."""
    return "" if machine.url == DEFAULT_SERVER else f" --server {machine.url}"
