"""Memory that is available to this process: that of the machine, within the limits of its control groups."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_UNLIMITED = 1 << 60
"""Version 1 says "no limit" with a number of about 2**63."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Memory limit of a control group, and the memory that is left."""

    limit: int
    """Bytes."""
    left: int
    """Bytes, including those that only cache files and that the kernel can free."""


@dataclass(frozen=True, slots=True)
class _Files:
    """File names of one version of control groups."""

    limit: str
    usage: str
    cached: str
    """Line of memory.stat with inactive file pages."""


_VERSION_1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_VERSION_2 = _Files("memory.max", "memory.current", "inactive_file")


def group_directories(membership: str, mounts: str) -> list[Path]:
    """Return the directories of the groups that limit memory, from ours to the root; empty if none are mounted.

    membership: /proc/self/cgroup; mounts: /proc/self/mountinfo.
    """
    kind, path = _memory_group(membership)
    for mount_point, root in _mounted(mounts, kind):
        below = PurePosixPath(path).relative_to(root) if PurePosixPath(path).is_relative_to(root) else PurePosixPath()
        ours = Path(mount_point, below)
        return [ours, *list(ours.parents)[: len(below.parts)]]
    return []


def allowance_in(directory: Path) -> Allowance | None:
    """Read the limit of the group at `directory`; None for no limit. Raises OSError or ValueError."""
    files = _VERSION_1 if (directory / _VERSION_1.limit).exists() else _VERSION_2
    if not (directory / files.limit).exists():  # the root group of version 2 has none
        return None
    limit = _bytes((directory / files.limit).read_text())
    if limit is None:
        return None
    used = int((directory / files.usage).read_text())
    statistics = dict(line.split() for line in (directory / "memory.stat").read_text().splitlines())
    return Allowance(limit, max(0, limit - used + int(statistics.get(files.cached, 0))))


def _memory_group(membership: str) -> tuple[str, str]:
    """Return the type of file system on which memory is limited, and the path of our group there.

    Where both versions are mounted, version 1 has memory if it lists it. Lines: `4:cpu,memory:/path`, `0::/path`.
    """
    kind, path = "cgroup2", "/"
    for line in membership.splitlines():
        _, controllers, group = line.split(":", 2)
        if "memory" in controllers.split(","):
            return "cgroup", group
        if not controllers:
            path = group
    return kind, path


def _mounted(mounts: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the mount point of each mount of `kind` that controls memory, and the group that it shows."""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, mount_point = before.split(" ")[3:5]
        mounted, _, options = after.split(" ", 2)
        if mounted == kind and (kind == "cgroup2" or "memory" in options.split(",")):
            yield mount_point, root


def _bytes(limit: str) -> int | None:
    return None if limit.strip() == "max" or int(limit) >= _UNLIMITED else int(limit)


_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory figures in bytes."""

    total: int
    """Memory of the machine."""
    available: int
    """Memory that can be allocated without swapping and without being killed."""
    limit: int | None
    """Lowest limit of this process's control groups; None for no limit."""


def memory() -> Memory:
    """Return the memory figures. Raises OSError, KeyError or ValueError if the system does not report them."""
    directories = group_directories((_PROC / "self/cgroup").read_text(), (_PROC / "self/mountinfo").read_text())
    allowances = [allowance for directory in directories if (allowance := allowance_in(directory))]
    return memory_from((_PROC / "meminfo").read_text(), allowances)


def memory_from(meminfo: str, allowances: Iterable[Allowance]) -> Memory:
    """Combine /proc/meminfo with the limits of control groups."""
    sizes = {line.partition(":")[0]: line.split() for line in meminfo.splitlines()}
    total, available = (int(sizes[name][1]) * 1024 for name in ("MemTotal", "MemAvailable"))
    limited = list(allowances)
    return Memory(
        total,
        min([available, *(each.left for each in limited)]),
        min((each.limit for each in limited), default=None),
    )
