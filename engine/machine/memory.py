"""How much memory this process may still take."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.machine.cgroups import Allowance, allowance_in, group_directories

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """All figures in bytes."""

    total: int
    """Of the machine."""
    available: int
    """What can be taken without swapping and without being killed."""
    limit: int | None
    """The tightest limit of the control groups around this process; None where there is none."""


def memory() -> Memory:
    """Raises OSError, KeyError or ValueError where the system does not tell."""
    directories = group_directories((_PROC / "self/cgroup").read_text(), (_PROC / "self/mountinfo").read_text())
    allowances = [found for directory in directories if (found := allowance_in(directory))]
    return memory_from((_PROC / "meminfo").read_text(), allowances)


def memory_from(meminfo: str, allowances: Iterable[Allowance]) -> Memory:
    """meminfo: in the format of /proc/meminfo."""
    sizes = {line.partition(":")[0]: line.split() for line in meminfo.splitlines()}
    total, available = (int(sizes[name][1]) * 1024 for name in ("MemTotal", "MemAvailable"))
    limited = list(allowances)
    return Memory(
        total,
        min([available, *(each.left for each in limited)]),
        min((each.limit for each in limited), default=None),
    )
