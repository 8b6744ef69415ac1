"""What the engine's processes ask of the operating system for themselves. Where it cannot, they do without."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}  # system call numbers; ioprio_set(2) has no wrapper in the C library
_IOPRIO_WHO_PROCESS = 1
_IOPRIO_LOWEST = (2 << 13) | 7  # class best-effort, level 7
_NICENESS = 10


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone, however that ended."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it went in between
        os.kill(os.getpid(), signal.SIGKILL)


def lower_priority() -> None:
    """Let everything else on this machine go first, for the CPU and for the disk; children inherit it."""
    os.nice(max(0, _NICENESS - os.nice(0)))
    if number := _IOPRIO_SET.get(os.uname().machine if sys.platform.startswith("linux") else ""):
        ctypes.CDLL(None, use_errno=True).syscall(number, _IOPRIO_WHO_PROCESS, 0, _IOPRIO_LOWEST)
