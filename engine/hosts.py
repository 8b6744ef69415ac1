"""Identity of this host and its processes: what a process number or a lock means beyond one process."""

import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE = Path("/proc/self/ns/pid")
_STATISTICS = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class HostId:
    """Identity of a running system: process numbers and locks are meaningful within it alone."""

    name: str
    boot: str
    """Boot id and process namespace; "" where the system does not report them."""


def this_host() -> HostId:
    return HostId(socket.gethostname(), " ".join(filter(None, (_boot_id(), _process_namespace()))))


def system_start() -> datetime | None:
    """Time of the last boot; None where the system does not report it. Source: proc(5), btime."""
    match = re.search(r"^btime (\d+)$", _STATISTICS.read_text(), re.MULTILINE) if _STATISTICS.exists() else None
    return datetime.fromtimestamp(int(match[1]), UTC) if match else None


def is_process(pid: int) -> bool:
    """Return True if a process of this host has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start_of(pid: int) -> str:
    """Clock ticks from boot to the start of the process; "" where the system does not report it. Source: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


def _process_namespace() -> str:
    """Process numbers of another container are those of other processes."""
    return str(_PROCESS_NAMESPACE.readlink()) if _PROCESS_NAMESPACE.exists() else ""
