"""Work while a machine runs; the machine stops when the work ends for any reason."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from clipmill.cli.local.data_folder import FolderInUse, FolderUnusable
from clipmill.cli.local.embedded_nats import NatsServerMissing
from clipmill.cli.local.machine import CannotStart, Machine
from clipmill.cli.local.ports import NoPort
from clipmill.cli.local.supervisor import StartFailed
from clipmill.cli.outcomes import WorkFailed
from clipmill.operations.settings import SettingsError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

EXPECTED = (CannotStart, FolderInUse, FolderUnusable, NatsServerMissing, NoPort, SettingsError, StartFailed)
"""Errors that keep a machine from starting and have a sentence for the user."""


class Stopped(Exception):
    """A signal ended the work."""


async def run(machine: Machine, work: Callable[[], Awaitable[None]], *, stopping: Callable[[], None]) -> None:
    """Start `machine`, do `work` and stop it again.

    The first SIGINT, SIGTERM or SIGHUP ends the work and stops the machine in order; a second one ends it at once.

    Args:
        machine: Machine to start.
        work: Function that is called when the machine is ready.
        stopping: Callback for the first signal.

    Raises:
        Stopped: if a signal ended the work.
        WorkFailed: if the machine cannot be started.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            machine.kill()
        else:
            stop.set()
            stopping()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    working = asyncio.create_task(_work(machine, work))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    finally:
        stopped.cancel()
        await machine.stop()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
    if stop.is_set():
        raise Stopped
    await working


async def _work(machine: Machine, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await machine.start()
    except EXPECTED as error:
        raise WorkFailed(str(error)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        sentence = (
            f"The system refuses something that clipmill needs to start ({reason}); remove the cause and try again."
        )
        raise WorkFailed(sentence) from error
    await work()
