"""Runs pytest in a fork of this process, once for each line of its input, with the line's words as arguments.

The libraries that the tests import are imported before the fork, because that takes longer than most tests. It prints
two lines for each run, the fork's process id and its exit status.
"""

import contextlib
import importlib
import os
import shlex
import sys
import traceback
from pathlib import Path

FOLDER = Path(__file__).parent


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for name in (FOLDER / "libraries").read_text().splitlines() if (FOLDER / "libraries").exists() else ():
        with contextlib.suppress(Exception):  # importing some modules makes others
            importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            output = os.open(FOLDER / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            answers.close()
            with contextlib.ExitStack() as leaving:
                leaving.callback(os._exit, 70)
                leaving.callback(traceback.print_exc)
                os._exit(_run(shlex.split(line)))
        print(child, file=answers)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers)


def _run(arguments):
    import pytest

    status = 70
    with contextlib.suppress(SystemExit):
        status = int(pytest.main(arguments))
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    main()
