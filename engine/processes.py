"""Process settings: death with the parent, low priority. No-ops on systems without them."""

import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2)
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}  # system call numbers; ioprio_set(2) has no wrapper in the C library
_IOPRIO_WHO_PROCESS = 1
_IOPRIO_LOWEST = (2 << 13) | 7  # class best-effort, level 7
_NICENESS = 10


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent has exited for any reason."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the parent exited before prctl took effect
        os.kill(os.getpid(), signal.SIGKILL)


def lower_priority() -> None:
    """Run this process and its children at low CPU and disk priority."""
    os.nice(max(0, _NICENESS - os.nice(0)))
    if number := _IOPRIO_SET.get(os.uname().machine if sys.platform.startswith("linux") else ""):
        _libc().syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_LOWEST)


def _libc() -> Any:
    import ctypes  # late: the interface and the commands need only the names of this module

    return ctypes.CDLL(None, use_errno=True)
