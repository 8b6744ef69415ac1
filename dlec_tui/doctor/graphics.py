"""Check of the GPUs that the driver reports."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from dlec_tui.doctor.result import Finding, fine
from engine.errors import shown
from engine.machine.gpus import Gpu, installed_gpus
from engine.units import byte_size

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def look() -> Finding:
    return gpus_finding(installed_gpus(), os.environ)


def gpus_finding(present: Sequence[Gpu], environment: Mapping[str, str]) -> Finding:
    if not present:
        return fine("no NVIDIA GPU; computing on the CPU")
    free = ", ".join(byte_size(gpu.free) for gpu in present if gpu.free is not None)
    visible = f"; {_VISIBLE}={shown(environment[_VISIBLE])}" if _VISIBLE in environment else ""
    return fine(f"{in_words(present)}{f'; free: {free}' if free else ''}{visible}")


def in_words(present: Sequence[Gpu]) -> str:
    """GPUs, equal ones combined: "4 x NVIDIA H200 (151 GB each)"."""
    kinds = Counter((gpu.name or "NVIDIA GPU", gpu.total) for gpu in present)
    return ", ".join(_kind(name, total, number) for (name, total), number in kinds.items())


def _kind(name: str, total: int | None, number: int) -> str:
    each = " each" if number > 1 else ""
    size = f" ({byte_size(total)}{each})" if total else ""
    return f"{f'{number} x ' if number > 1 else ''}{shown(name)}{size}"
