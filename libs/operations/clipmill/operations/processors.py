"""How many processors this process may keep busy: neither a container's share nor a CPU mask is the machine's count."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def processors(own_groups: Path = OWN_GROUPS, groups: Path = GROUPS) -> int:
    """Return how many processors this process may keep busy, at least 1.

    That is the count of those that it may run on (its affinity, such as a cpuset of `docker run --cpuset-cpus` gives
    it), or fewer where a control group has a share of processor time (`docker run --cpus`, a limit of Kubernetes): the
    scheduler stops all threads of the group for the rest of the period once they have used it up. The least share of
    the group and its parents counts, a fraction of a processor as one more. `os.process_cpu_count` knows nothing of
    shares, nor does Python before 3.13 have it.

    Args:
        own_groups: the file that names the groups of this process, as cgroups(7) describes it.
        groups: where the groups are mounted.
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
        # In a container that sees its path on the host, only the mount itself, which comes last, is there to be read.
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
    """Return what is in a file of the kernel, nothing where it is not there or not ours to read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
