import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from prometheus_client import REGISTRY

TESTS = Path(__file__).parent


@pytest.fixture
def _targets_importable(monkeypatch):
    """Let children import `child_targets`."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)


@pytest.fixture
def wait_gone() -> Callable[..., None]:
    """Return a function that waits until processes have ended, zombies included, and fails after `seconds`."""

    def alive(pid: int) -> bool:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        return False

    def wait(*pids: int, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while living := [pid for pid in pids if alive(pid)]:
            assert time.monotonic() < deadline, f"still there after {seconds} s: {living}"
            time.sleep(0.01)

    return wait


@pytest.fixture
def sample() -> Callable[..., float]:
    """Return a function that reads the growth of a metric since the test began."""
    begun = {(s.name, tuple(sorted(s.labels.items()))): s.value for m in REGISTRY.collect() for s in m.samples}

    def read(name: str, **labels: str) -> float:
        before = begun.get((name, tuple(sorted(labels.items()))), 0.0)
        return (REGISTRY.get_sample_value(name, labels) or 0.0) - before

    return read
