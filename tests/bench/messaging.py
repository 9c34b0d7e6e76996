"""The cost of the messaging core, and its promises under load: hops, projection, scale-out, kills.

Run: `make bench-messaging`, or `.venv/bin/python tests/bench/messaging.py [--quick] [MEASUREMENT ...]`. Everything is
measured in one run against one nats-server that syncs every write. A run of all writes the figures into RESULTS.md;
`--quick` only tries the machinery. The exit status is 1 if a requirement was not met.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from clipmill.messaging.topology import ACK_WAIT
from clipmill.operations import logs
from clipmill.operations.settings import LogFormat, LogLevel
from figures import Figure, load, machine, write_section
from messaging.hops import hops
from messaging.leaks import leaks
from messaging.projecting import projecting
from messaging.redelivery import redelivery
from messaging.scaling import scaling
from messaging.servers import Bench, connected, nats_server
from messaging.visibility import visibility

TITLE = "Messaging: `.venv/bin/python tests/bench/messaging.py`"
QUICK_ACK_WAIT = 1.0

Measurement = Callable[[Bench], Awaitable[list[Figure]]]

MEASUREMENTS: dict[str, Measurement] = {
    "hops": hops,
    "projecting": projecting,
    "visibility": visibility,
    "scaling": scaling,
    "redelivery": redelivery,
    "leaks": leaks,
}


async def run(folder: Path, names: list[str], *, quick: bool) -> list[Figure]:
    """Take the measurements called `names`, one after the other."""
    figures: list[Figure] = []
    ack_wait = QUICK_ACK_WAIT if quick else ACK_WAIT
    with nats_server(folder / "nats") as url:
        async with connected(url, ack_wait) as nc:
            bench = Bench(folder, url, nc, ack_wait, quick)
            for name in names:
                begun, before = time.monotonic(), load()
                seen = await MEASUREMENTS[name](bench)
                await bench.clear()
                print(f"{name}: {time.monotonic() - begun:.0f} s, {before} before, {load()} after")
                print(*(f"  {figure}" for figure in seen), sep="\n", flush=True)
                figures += seen
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few repetitions: tries the machinery, measures nothing")
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT", help=f"of {', '.join(MEASUREMENTS)}; all")
    arguments = parser.parse_args()
    names = arguments.measurements or list(MEASUREMENTS)
    if unknown := set(names) - MEASUREMENTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    facts = f"{machine()}; {load()} at the start; one nats-server, every write synced to the disk."
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "bench.log").open("w") as log:
        logs.configure("bench", LogFormat.JSON, LogLevel.INFO, log)
        figures = uvloop.run(run(Path(folder), names, quick=arguments.quick))
    if not arguments.quick and len(names) == len(MEASUREMENTS):
        write_section(TITLE, facts, figures)
    sys.exit(any(figure.met is False for figure in figures))


if __name__ == "__main__":
    main()
