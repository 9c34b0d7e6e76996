"""The number of processors, with control groups made of plain files."""

import os
import subprocess
import sys

import pytest
from clipmill.operations import processors as module
from clipmill.operations.processors import processors


@pytest.fixture
def eight(monkeypatch):
    """Let the process have eight processors."""
    monkeypatch.setattr(module, "_allowed", lambda: 8)


@pytest.fixture
def count(tmp_path, eight):
    """Return a function that counts the processors that the given lines of our groups, and files by path, allow."""

    def run(*own: str, **files: str) -> int:
        own_groups = tmp_path / "own"
        own_groups.write_text("".join(f"{line}\n" for line in own))
        for path, text in files.items():
            file = tmp_path / "groups" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return processors(own_groups, tmp_path / "groups")

    return run


def test_without_groups_the_processors_we_may_run_on_count(tmp_path, eight):
    assert processors(tmp_path / "none", tmp_path / "none") == 8


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU masks")
def test_a_mask_counts():
    first = min(os.sched_getaffinity(0))
    script = f"import os; os.sched_setaffinity(0, [{first}]); from clipmill.operations.processors import processors"
    done = subprocess.run([sys.executable, "-c", f"{script}; print(processors())"], capture_output=True, check=True)
    assert done.stdout.strip() == b"1"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", 8),
        ("400000 100000", 4),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("1600000 100000", 8),
    ],
)
def test_a_share_of_a_container_counts_a_part_as_a_whole(count, limit, expected):
    assert count("0::/", **{"cpu.max": limit}) == expected


def test_the_least_share_among_a_group_and_its_parents_counts(count):
    limits = {"pods/cpu.max": "300000 100000", "pods/one/cpu.max": "max 100000", "pods/other/cpu.max": "100000 100000"}
    assert count("0::/pods/one", **limits) == 3


def test_a_share_of_version_1_counts(count):
    limits = {"cpu/box/cpu.cfs_quota_us": "200000", "cpu/box/cpu.cfs_period_us": "100000"}
    assert count("4:memory:/box", "3:cpu,cpuacct:/box", "1:name=systemd:/", **limits) == 2


def test_no_share_of_version_1_is_minus_one(count):
    assert count("3:cpu:/", **{"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}) == 8


def test_a_container_that_sees_its_path_on_the_host_reads_its_own_mount(count):
    limits = {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}
    assert count("3:cpu,cpuacct:/docker/0123", **limits) == 3
