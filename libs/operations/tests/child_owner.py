"""An owner of a child that hangs, to be killed by test_child.py: `child_owner.py <file for the pids>`."""

import asyncio
import os
import sys

from clipmill.operations.child import run_child
from msgspec import Struct


class Request(Struct):
    path: str


async def main() -> None:
    await run_child(
        "child_targets:hang", Request(sys.argv[1]), Request, on_progress=lambda _: os.write(1, b"hanging\n")
    )


asyncio.run(main())
