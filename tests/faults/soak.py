"""The long fault campaign: `make soak`, or `python tests/faults/soak.py --seed 7` to replay the schedule of a seed."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from campaign import campaign
from campaign.schedule import Size
from clipmill.operations import logs
from clipmill.operations.settings import LogFormat, LogLevel


def main() -> int:
    """Run a campaign; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="of the schedule (default: any)")
    parser.add_argument("--jobs", type=int, default=48)
    parser.add_argument("--kills", type=int, default=210, help="of services")
    parser.add_argument("--nats-kills", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=600.0, help="over which the faults come")
    parser.add_argument("--quiet-seconds", type=float, default=240.0, help="within which all must come to rest then")
    options = parser.parse_args()
    size = Size(
        jobs=options.jobs,
        seconds=options.seconds,
        kills=options.kills,
        nats_kills=options.nats_kills,
        duplicates=options.jobs,
        stops=options.jobs // 2,
        cancels=options.jobs // 6,
        deletes=options.jobs // 4,
    )
    logs.configure("soak", LogFormat.AUTO, LogLevel.ERROR)  # the campaign kills the server, so its absence is expected
    folder = Path(tempfile.mkdtemp(prefix="clipmill-soak-"))
    print(f"seed {options.seed}, everything in {folder}", flush=True)
    outcome = asyncio.run(campaign.run(folder, options.seed, size, quiet_seconds=options.quiet_seconds))
    print(*outcome.figures, sep="\n")
    if not outcome.findings:
        shutil.rmtree(folder)
        return 0
    print(
        f"\nseed {options.seed} broke a promise; logs, server and store are in {folder}", *outcome.findings, sep="\n- "
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
