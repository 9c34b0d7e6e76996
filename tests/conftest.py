"""Fixtures of the tests that cross services."""

import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

SystemProgram = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the repository's root."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def system_program(missing: Callable[[str], NoReturn]) -> SystemProgram:
    """Return the function that finds a program that no wheel brings: `system_program("promtool", "prometheus")`.

    On Debian as root it installs the program's package; elsewhere it skips the test, or fails it with CI=true.
    """
    return functools.partial(_find_program, missing)


def _find_program(missing: Callable[[str], NoReturn], name: str, debian_package: str) -> Path:
    if found := shutil.which(name):
        return Path(found)
    problem = _install(debian_package)
    if (found := shutil.which(name)) is None:
        missing(f"{name} is not installed (Debian's package {debian_package} has it): {problem}")
    return Path(found)


@functools.cache
def _install(package: str) -> str:
    """Install a Debian package, once a session; return the reason if that is not possible."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return "it is installed by itself only on Debian, as root."
    # Runlevel 1 keeps Debian from starting the daemon that may come with it.
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with (Path(tempfile.gettempdir()) / "clipmill-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            done = subprocess.run(
                ["apt-get", "--quiet=2", "-o", "DPkg::Lock::Timeout=120", *command],
                env=environ,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            if done.returncode != 0:
                return done.stderr.strip().rpartition("\n")[2] or f"apt-get {command[0]} failed."
    return "the package was installed and does not have it."
