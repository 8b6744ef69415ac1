"""Which dtype "auto" means: the checkpoint's own, unless this machine's CPU would take several times as long with it.

Without instructions for them, torch converts halves for every product: a layer in bfloat16 took 6.5 times as long as in
float32 on a CPU with AVX2 alone.
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from engine.machine.gpus import gpus

CPU_INFO = Path("/proc/cpuinfo")
INSTRUCTIONS: Mapping[str, frozenset[str]] = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16", "asimdhp"}),
}
"""As Linux names them, on x86 and on ARM; any of them will do."""
_FLOAT32_BYTES = 4
_MOST_OF_MEMORY = 0.5


def auto_dtype(stored: str, device: str, parameters: int) -> str:
    """torch's name of the dtype to compute in on `device` ("auto", "cpu", "cuda", ...)."""
    is_slow = stored in INSTRUCTIONS and _runs_on_cpu(device) and not INSTRUCTIONS[stored] & _cpu_features()
    return "float32" if is_slow and _fits_as_float32(parameters) else stored


def _runs_on_cpu(device: str) -> bool:
    return device == "cpu" or (device == "auto" and not _has_gpu())


@cache
def _has_gpu() -> bool:
    return bool(gpus())


def _cpu_features() -> frozenset[str]:
    """Of the first core; where the system does not say, everything is assumed to be there."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", CPU_INFO.read_text(), re.MULTILINE)
    except OSError:
        found = None
    return frozenset(found[1].split()) if found else frozenset().union(*INSTRUCTIONS.values())


def _fits_as_float32(parameters: int) -> bool:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return parameters * _FLOAT32_BYTES <= _MOST_OF_MEMORY * memory
