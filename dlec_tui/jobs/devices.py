"""Load of the devices that jobs run on: memory and use of GPUs, else of the processors."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import escaped
from engine.jobs.slots import Slot
from engine.machine.gpus import Gpu, gpus
from engine.machine.memory import memory
from engine.units import byte_size, plural

_STAT = Path("/proc/stat")
_IDLE = (3, 4)
"""Positions of idle and I/O-wait time among the ten numbers of a line in /proc/stat."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Work of all processors since boot, in hundredths of a second."""

    busy: int
    all: int


def ticks() -> Ticks | None:
    """Current ticks; None if the system does not provide them."""
    try:
        return ticks_from(_STAT.read_text())
    except (OSError, ValueError, IndexError):
        return None


def ticks_from(stat: str) -> Ticks:
    """stat: in the format of /proc/stat."""
    figures = [int(figure) for figure in stat.partition("\n")[0].split()[1:9]]
    total = sum(figures)
    return Ticks(total - sum(figures[place] for place in _IDLE), total)


def devices_text(slots: Iterable[Slot], before: Ticks | None, now: Ticks | None) -> str:
    """Load of the GPUs in these slots, and of the host if a slot is the CPU."""
    requested = tuple(slots)
    parts = [gpus_text(gpus(), sorted({number for slot in requested for number in slot.devices}))]
    if any(not slot.devices for slot in requested):
        parts.append(machine_text(before, now))
    return "   ".join(filter(None, parts))


def gpus_text(devices: Sequence[Gpu], numbers: Iterable[int]) -> str:
    """ "cuda:0 97 %, 12.3 GB of 141 GB"; "" if the driver reports nothing."""
    return "   ".join(filter(None, (_gpu_text(number, devices[number]) for number in numbers if number < len(devices))))


def machine_text(before: Ticks | None, now: Ticks | None) -> str:
    """Load of the processors between two moments: "cpu 87 % of 16 cores, memory 3.10 GB of 8.20 GB"."""
    cores = plural(os.cpu_count() or 1, "core")
    used = f"{share:.0%} of ".replace("%", " %") if (share := _busy_share(before, now)) is not None else ""
    return f"cpu {used}{cores}{_memory_text()}"


def _gpu_text(number: int, gpu: Gpu) -> str:
    busy = "" if gpu.busy is None else f" {gpu.busy:.0%},".replace("%", " %")
    if gpu.total is None or gpu.free is None:
        return ""
    return f"cuda:{number} {escaped(gpu.name)}:{busy} {byte_size(gpu.total - gpu.free)} of {byte_size(gpu.total)}"


def _busy_share(before: Ticks | None, now: Ticks | None) -> float | None:
    if before is None or now is None or now.all <= before.all:
        return None
    return (now.busy - before.busy) / (now.all - before.all)


def _memory_text() -> str:
    try:
        devices = memory()
    except (OSError, KeyError, ValueError):
        return ""
    total = min(devices.total, devices.limit or devices.total)
    return f", memory {byte_size(max(0, total - devices.available))} of {byte_size(total)}"
