"""The command that checks rendered files: `python -m clipmill.renderer verify FILE ...`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from clipmill.contracts.options import OutputFormat
from clipmill.renderer.checking.verification import Check, Examined, Expected, examine


def check(arguments: Sequence[str]) -> int:
    """Run `verify`: print a line for each check, file by file as they are examined.

    Args:
        arguments: Arguments of the command, after the word `verify`.

    Returns:
        The exit status: 0 if no check fails, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m clipmill.renderer verify", description="Check rendered files.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--seconds", type=float, help="expected length, in seconds")
    parser.add_argument(
        "--format", type=OutputFormat, choices=list(OutputFormat), help="expected shape; any by default"
    )
    parser.add_argument("--captions", action="store_true", help="also check the caption files beside them")
    parser.add_argument("--json", action="store_true", help="print one line of JSON per file")
    options = parser.parse_args(arguments)
    expected = Expected(seconds=options.seconds, output_format=options.format, captions=options.captions)
    fine = [_report(path, examine(path, expected), as_json=options.json) for path in options.files]
    return 0 if all(fine) else 1


def _report(path: Path, checks: Sequence[Check], *, as_json: bool) -> bool:
    """Print the checks of a file at once, and return whether all succeeded."""
    wrong = sum(not found.ok for found in checks)
    if as_json:
        lines = [msgspec.json.encode(Examined(str(path), not wrong, tuple(checks))).decode()]
    else:
        lines = [f"{'ok     ' if found.ok else 'FINDING'}  {found.check}: {found.sentence}" for found in checks]
        lines.append(f"{path}: {f'{wrong} of {len(checks)} wrong' if wrong else 'all right'}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
    return not wrong
