"""The processors that this process may keep busy; a CPU mask or a container's share makes them fewer."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def processors(own_groups: Path = OWN_GROUPS, groups: Path = GROUPS) -> int:
    """Return the number of processors that this process may keep busy, at least 1.

    It is the number of processors on which the process may run (its affinity, such as `docker run --cpuset-cpus`), or
    fewer if a control group has a share of processor time (`docker run --cpus`, a limit of Kubernetes). Once the group
    has used up its share, the scheduler stops all its threads for the rest of the period. The least share of the group
    and its parents counts, rounded up. `os.process_cpu_count`, which came with Python 3.13, ignores shares.

    Args:
        own_groups: File that names the groups of this process, as cgroups(7) describes it.
        groups: Mount point of the groups.
    """
    shares = list(_shares(own_groups, groups))
    return max(1, min([_allowed(), *(math.ceil(share) for share in shares)]))


def _allowed() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _shares(own_groups: Path, groups: Path) -> Iterator[float]:
    """Yield the shares that bind this process, in processors."""
    for line in _text(own_groups).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            share, mount = _share_of_version_2, groups
        elif "cpu" in controllers.split(","):
            share, mount = _share_of_version_1, groups / "cpu"
        else:
            continue
        group = Path(path.lstrip("/"))
        # A container that sees its path on the host can read only the mount itself, which comes last.
        for place in (group, *group.parents):
            found = share(mount / place)
            if found is not None:
                yield found


def _share_of_version_2(group: Path) -> float | None:
    """Return the share of a group (Linux, Documentation/admin-guide/cgroup-v2.rst), None if it has no limit."""
    match _text(group / "cpu.max").split():
        case [quota, period] if quota != "max":
            return int(quota) / int(period)
    return None


def _share_of_version_1(group: Path) -> float | None:
    """Return the share of a group (Linux, Documentation/scheduler/sched-bwc.rst), None if it has no limit."""
    quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if period and quota and int(quota) > 0 else None


def _text(path: Path) -> str:
    """Return the content of a file of the kernel, empty if it is missing or unreadable."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
