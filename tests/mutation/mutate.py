"""Mutation testing by hand: shows which small faults in a module its own tests notice.

    .venv/bin/python tests/mutation/mutate.py MODULE_FILE --tests TEST_FILE…     one module, each survivor with its line
    .venv/bin/python tests/mutation/mutate.py MODULE_FILE --list                 what would be tried
    .venv/bin/python tests/mutation/mutate.py --table                            the agreed modules, as Markdown

`--sample N --seed S` tries N mutants drawn from the seed instead of all; `--jobs N` tries N at once, each beside its
own servers. Paths are relative to the current directory, which is the tree that is tested with its own `.venv`.

Nothing in the tree is written: a mutant is stored in its own folder, whose `sitecustomize.py` gives Python the
mutant's text when the module is imported. The folder is in PYTHONPATH, so child processes import the mutant too, and a
run that is killed leaves nothing behind but a temporary folder. Tests run in a fork of a process that has imported the
libraries, which takes longer than most tests. No library does this: mutmut copies the tree and
chooses a mutant by functions that it rewrites, but the editable parts of a namespace package and the child processes
import the original; cosmic-ray writes its mutants into the tree.
"""

import argparse
import contextlib
import os
import random
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import psutil
from mutants import Mutant, mutants_of

MODULES: dict[str, tuple[str, tuple[str, ...]]] = {
    "worker": (
        "libs/messaging/clipmill/messaging/worker.py",
        (
            "libs/messaging/tests/test_worker_settling.py",
            "libs/messaging/tests/test_worker_stopping.py",
            "libs/messaging/tests/test_worker.py",
            "libs/messaging/tests/test_worker_faults.py",
        ),
    ),
    "retry": ("libs/messaging/clipmill/messaging/retry.py", ("libs/messaging/tests/test_retry.py",)),
    "projection": (
        "libs/messaging/clipmill/messaging/projection.py",
        (
            "libs/messaging/tests/test_projection_faults.py",
            "libs/messaging/tests/test_projection_streams.py",
            "libs/messaging/tests/test_projection.py",
        ),
    ),
    "fold": (
        "services/gateway/clipmill/gateway/projection/fold.py",
        ("services/gateway/tests/test_fold_details.py", "services/gateway/tests/test_fold.py"),
    ),
    "egress guard": (
        "libs/egress/clipmill/egress/guard.py",
        (
            "libs/egress/tests/test_public_hosts.py",
            "libs/egress/tests/test_guard.py",
            "libs/egress/tests/test_upstream.py",
            "libs/egress/tests/test_relaying.py",
        ),
    ),
    "egress admission": ("libs/egress/clipmill/egress/admission.py", ("libs/egress/tests/test_public_hosts.py",)),
    "egress addresses": ("libs/egress/clipmill/egress/addresses.py", ("libs/egress/tests/test_addresses.py",)),
    "egress heads": (
        "libs/egress/clipmill/egress/heads.py",
        (
            "libs/egress/tests/test_relaying.py",
            "libs/egress/tests/test_smuggling.py",
            "libs/egress/tests/test_upstream.py",
        ),
    ),
    "paths": (
        "services/renderer/clipmill/renderer/directing/paths.py",
        ("services/renderer/tests/directing/test_path_solver.py", "services/renderer/tests/directing/test_paths.py"),
    ),
    "typesetting": (
        "services/renderer/clipmill/renderer/text/typesetting.py",
        ("services/renderer/tests/text/test_line_breaking.py", "services/renderer/tests/text/test_typesetting.py"),
    ),
    "child": ("libs/operations/clipmill/operations/child.py", ("libs/operations/tests/test_child.py",)),
    "soundtrack": (
        "services/renderer/clipmill/renderer/audio/soundtrack.py",
        ("services/renderer/tests/audio/test_gain.py", "services/renderer/tests/audio/test_soundtrack.py"),
    ),
}
"""Rows of the table: the module, and the files of its tests."""

MARGIN_FACTOR, MARGIN_SECONDS = 4.0, 30.0
"""Factor and margin on the tests' usual time, after which a mutant hangs and counts as killed."""

OVERLAY = Path(__file__).parent / "overlay"
PLUGINS = ("-p", "no:cacheprovider", "-p", "mutation_plugin", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Options of pytest. The ignored warning is about plugins that were imported before pytest; they need no rewriting."""

SENTINEL = b"raise SystemError('the mutant was imported')\n"


class Overlay:
    """A folder that holds one mutant at a time, and a process that runs tests on it.

    Args:
        folder: Folder in which the overlay is made.
        module: The file whose place the mutant takes.
        tests: Test files, and what else pytest is given.
    """

    def __init__(self, folder: Path, module: Path, tests: tuple[str, ...]) -> None:
        shutil.copytree(OVERLAY, folder)
        (folder / "module").write_text(os.path.realpath(module))
        self._folder = folder
        self._arguments = shlex.join(["-x", "-q", "--tb=short", *PLUGINS, f"--basetemp={folder / 'files'}", *tests])
        self._killers: list[str] = []
        self._pytest: subprocess.Popen[str] | None = None

    @property
    def output(self) -> str:
        """Return the output of the last run."""
        return (self._folder / "output").read_text(errors="replace")

    def run(self, source: bytes, timeout: float | None = None) -> str | None:
        """Run the tests on `source` until the first that fails.

        Returns:
            The test that noticed the fault, or "hang", or "no test runs"; None if every test passed.
        """
        (self._folder / "mutant").write_bytes(source)
        (self._folder / "killers").write_text("\n".join(self._killers))
        status = self._run(timeout)
        if status in (None, 0):
            return "hang" if status is None else None
        for line in self.output.splitlines():
            if line.startswith(("FAILED ", "ERROR ")) and "::" in line:
                test = line.split()[1]
                self._killers = [*(other for other in self._killers if other != test), test]
                return test
        return "no test runs"

    def forget(self) -> None:
        """Forget which tests killed mutants."""
        self._killers.clear()

    def restart(self) -> None:
        """End the process; the next one imports the libraries that the last tests imported."""
        if self._pytest is not None:
            self._pytest.kill()
            self._pytest.communicate()
            self._pytest = None

    def _run(self, timeout: float | None) -> int | None:
        """Return the exit status of pytest, None if it took longer than `timeout` seconds."""
        if self._pytest is None:
            path = os.pathsep.join(filter(None, (str(self._folder), os.environ.get("PYTHONPATH"))))
            self._pytest = subprocess.Popen(
                [sys.executable, self._folder / "warm_pytest.py"],
                env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._pytest.stdin is not None
        assert self._pytest.stdout is not None
        print(self._arguments, file=self._pytest.stdin, flush=True)
        group = int(self._pytest.stdout.readline())
        finished, _, _ = select.select([self._pytest.stdout], [], [], timeout)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        status = int(self._pytest.stdout.readline())
        _kill_leftovers(self._folder, self._pytest.pid)
        return status if finished else None


def _kill_leftovers(folder: Path, runner: int) -> None:
    """Kill the processes that an ended run has left, which name its folder in their environment, except the runner."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != runner and str(folder) in process.environ().get("PYTHONPATH", ""):
                process.kill()


@dataclass(frozen=True)
class Verdict:
    """The results of a module's mutants."""

    survivors: list[Mutant]
    tried: int

    @property
    def killed(self) -> int:
        """Return the number of mutants that were noticed."""
        return self.tried - len(self.survivors)

    @property
    def share(self) -> str:
        """Return the share of the mutants that were killed, in percent."""
        return f"{100 * self.killed / max(1, self.tried):.0f} %"


def examine(module: Path, tests: tuple[str, ...], *, chosen: list[Mutant], jobs: int, verbose: bool = False) -> Verdict:
    """Try `chosen` mutants of `module`, printing each survivor.

    Raises:
        SystemExit: The tests fail without a mutant, or do not import the module.
    """
    source = module.read_bytes()
    survivors: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        first = Overlay(Path(folder) / "0", module, tests)
        first.run(source)
        first.restart()
        begun = time.monotonic()
        if (failed := first.run(source)) is not None:
            raise SystemExit(f"{first.output}\nThe tests fail without a mutant: {failed}.")
        clean = time.monotonic() - begun
        if first.run(SENTINEL) is None:
            raise SystemExit(f"None of the tests imports {module}.")
        first.forget()
        overlays: SimpleQueue[Overlay] = SimpleQueue()
        overlays.put(first)
        for number in range(1, jobs):
            overlays.put(Overlay(Path(folder) / str(number), module, tests))
            shutil.copy(Path(folder) / "0" / "libraries", Path(folder) / str(number))
        timeout = clean * MARGIN_FACTOR + MARGIN_SECONDS
        print(f"{module}: {len(chosen)} mutants; the tests pass in {clean:.0f} s without one", flush=True)

        def attempt(mutant: Mutant) -> str | None:
            overlay = overlays.get()
            try:
                return overlay.run(mutant.apply(source), timeout)
            finally:
                overlays.put(overlay)

        with ThreadPoolExecutor(jobs) as pool:
            for mutant, killer in zip(chosen, pool.map(attempt, chosen), strict=True):
                if killer is None:
                    survivors.append(mutant)
                    print(f"  survived  {module}:{mutant.line}  {mutant}", flush=True)
                elif verbose:
                    print(f"  killed    {module}:{mutant.line}  {mutant}  ({killer})", flush=True)
        for _ in range(jobs):
            overlays.get().restart()
    verdict = Verdict(survivors, len(chosen))
    print(f"{module}: {verdict.killed} of {verdict.tried} killed ({verdict.share})", flush=True)
    return verdict


def table(only: list[str], choose: "Chooser", jobs: int) -> None:
    """Examine the agreed modules, and print the table for RESULTS.md."""
    rows = []
    for name, (path, tests) in MODULES.items():
        if only and name not in only:
            continue
        verdict = examine(Path(path), tests, chosen=choose(mutants_of(Path(path).read_bytes())), jobs=jobs)
        rows.append(f"| {name} | {verdict.tried} | {verdict.killed} | {verdict.share} |")
    print("\n| module | faults | noticed | share |\n|---|---|---|---|", *rows, sep="\n")


@dataclass(frozen=True)
class Chooser:
    """A choice of a module's mutants.

    Attributes:
        sample: Number of mutants, drawn at random; None for all.
        seed: Seed of the draw.
        lines: First and last line between which they begin; None for the whole file.
    """

    sample: int | None
    seed: int
    lines: tuple[int, int] | None

    def __call__(self, found: list[Mutant]) -> list[Mutant]:
        if self.lines is not None:
            found = [mutant for mutant in found if self.lines[0] <= mutant.line <= self.lines[1]]
        if self.sample is None or self.sample >= len(found):
            return found
        drawn = random.Random(self.seed).sample(range(len(found)), self.sample)
        return [found[number] for number in sorted(drawn)]


def _lines(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def main() -> None:
    """Parse the command line, and run the chosen command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("module", nargs="?", type=Path, help="file of the module")
    parser.add_argument("--tests", nargs="+", default=[], help="test files, and what else pytest is given")
    parser.add_argument("--table", nargs="*", metavar="ROW", help="examine the agreed modules, or these rows of them")
    parser.add_argument("--list", action="store_true", help="only print the mutants")
    parser.add_argument("--sample", type=int, help="how many mutants are tried, all if not given")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--lines", type=_lines, help="only mutants of these lines, as 10-25")
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants are tried at once")
    parser.add_argument("--verbose", action="store_true", help="also print which test killed each mutant")
    arguments = parser.parse_args()
    choose = Chooser(arguments.sample, arguments.seed, arguments.lines)
    if arguments.table is not None:
        table(arguments.table, choose, arguments.jobs)
        return
    if arguments.module is None:
        parser.error("name a module, or use --table")
    chosen = choose(mutants_of(arguments.module.read_bytes()))
    if arguments.list:
        for mutant in chosen:
            print(f"{arguments.module}:{mutant.line}  {mutant}")
        return
    if not arguments.tests:
        parser.error("name the module's tests with --tests")
    examine(arguments.module, tuple(arguments.tests), chosen=chosen, jobs=arguments.jobs, verbose=arguments.verbose)


if __name__ == "__main__":
    main()
