"""`python -m clipmill.renderer [run | config]` runs the service; `verify FILE [--seconds N]` checks a rendered file."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from clipmill.contracts.identifiers import Stage
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker
from clipmill.operations.workroom import sweep
from clipmill.renderer.handler import WORKROOM_PREFIX, RenderHandler
from clipmill.renderer.settings import RendererSettings
from clipmill.renderer.verification import verify

log = structlog.stdlib.get_logger()


@asynccontextmanager
async def build(settings: RendererSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Yield the renderer's one worker."""
    swept = await asyncio.to_thread(sweep, WORKROOM_PREFIX)
    if swept:
        log.info("left_behind_removed", directories=swept)
    handler = RenderHandler(runtime.store, settings)
    yield [StageWorker(Stage.RENDER, handler, slots=settings.slots, attempts=settings.attempts)]


def check(arguments: Sequence[str]) -> int:
    """Run `verify`: print what is wrong with a file.

    Args:
        arguments: after the word `verify`.

    Returns:
        The exit status: 0 if nothing is wrong, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m clipmill.renderer verify", description="Check a rendered file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, help="how long it should be")
    options = parser.parse_args(arguments)
    findings = verify(options.file, options.seconds)
    for finding in findings:
        sys.stdout.write(f"{finding.check}: {finding.sentence}\n")
    if not findings:
        sys.stdout.write(f"{options.file}: all right\n")
    return 1 if findings else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["verify"]:
        sys.exit(check(sys.argv[2:]))
    main("renderer", RendererSettings, build)
