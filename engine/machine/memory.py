"""Memory that is available to this process."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.machine.cgroups import Allowance, allowance_in, group_directories

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """All figures in bytes."""

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
