"""`python -m clipmill.renderer [run | config]` runs the service; `verify FILE ...` checks rendered files."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog
from clipmill.contracts.options import OutputFormat
from clipmill.contracts.stages import Stage
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker
from clipmill.operations.spares import Spares
from clipmill.operations.workroom import sweep
from clipmill.renderer.checking.verification import Check, Examined, Expected, examine
from clipmill.renderer.handler import TARGET, WORKROOM_PREFIX, RenderHandler
from clipmill.renderer.settings import RendererSettings
from clipmill.renderer.text import typefaces

log = structlog.stdlib.get_logger()


@asynccontextmanager
async def build(settings: RendererSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Yield the renderer's one worker."""
    swept = await asyncio.to_thread(sweep, WORKROOM_PREFIX)
    if swept:
        log.info("left_behind_removed", directories=swept)
    if not typefaces.SHAPES:
        log.warning(
            "text_not_shaped",
            consequence="Arabic, Hebrew, Indic, Thai and the like are drawn with their letters apart or out of order",
            remedy="install FriBidi: libfribidi0 (Debian, Ubuntu), fribidi (Homebrew)",
        )
    async with Spares(TARGET, settings.limits(), settings.waiting()) as children:
        handler = RenderHandler(runtime.store, settings, children)
        yield [StageWorker(Stage.RENDER, handler, slots=settings.slots, retry=RetryPolicy(attempts=settings.attempts))]


def check(arguments: Sequence[str]) -> int:
    """Run `verify`: print what was looked at, one line each, file by file as they are examined.

    Args:
        arguments: after the word `verify`.

    Returns:
        The exit status: 0 if nothing is wrong, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m clipmill.renderer verify", description="Check rendered files.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--seconds", type=float, help="how long they should be")
    parser.add_argument("--format", type=OutputFormat, choices=list(OutputFormat), help="their shape; any by default")
    parser.add_argument("--captions", action="store_true", help="caption files must lie beside them")
    parser.add_argument("--json", action="store_true", help="print JSON, one line a file")
    options = parser.parse_args(arguments)
    expected = Expected(seconds=options.seconds, output_format=options.format, captions=options.captions)
    fine = [_report(path, examine(path, expected), as_json=options.json) for path in options.files]
    return 0 if all(fine) else 1


def _report(path: Path, checks: Sequence[Check], *, as_json: bool) -> bool:
    """Print at once what was found in a file, and return whether nothing is wrong."""
    wrong = sum(not found.ok for found in checks)
    if as_json:
        lines = [msgspec.json.encode(Examined(str(path), not wrong, tuple(checks))).decode()]
    else:
        lines = [f"{'ok     ' if found.ok else 'FINDING'}  {found.check}: {found.sentence}" for found in checks]
        lines.append(f"{path}: {f'{wrong} of {len(checks)} wrong' if wrong else 'all right'}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    return not wrong


if __name__ == "__main__":
    if sys.argv[1:2] == ["verify"]:
        sys.exit(check(sys.argv[2:]))
    main("renderer", RendererSettings, build)
