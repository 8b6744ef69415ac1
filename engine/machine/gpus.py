"""NVIDIA's GPUs, found without torch: asking torch takes seconds and takes memory on each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, in the driver's order."""

    name: str
    """As NVIDIA calls it; "" where the driver does not say."""
    total: int | None = None
    """Bytes of memory; None where only the driver's own files tell of it."""
    free: int | None = None
    busy: float | None = None
    """Share of the last moment in which it computed, 0 to 1; None where that is not told."""


def gpus() -> tuple[Gpu, ...]:
    """Through nvidia-ml-py where it is installed and works, else from the driver's files."""
    if find_spec("pynvml"):
        nvml: Any = import_module("pynvml")
        try:
            return tuple(_told_by(nvml))
        except nvml.NVMLError:  # no driver, or one that does not fit the library
            pass
    return tuple(_listed_in(_DRIVER))


def gpu_from(information: str) -> Gpu:
    """From the text of the driver's file about it."""
    lines = dict(line.split(":", 1) for line in information.splitlines() if ":" in line)
    return Gpu(lines.get("Model", "").strip())


def _told_by(nvml: Any) -> Iterator[Gpu]:
    nvml.nvmlInit()
    for number in range(nvml.nvmlDeviceGetCount()):
        device = nvml.nvmlDeviceGetHandleByIndex(number)
        memory = nvml.nvmlDeviceGetMemoryInfo(device)
        yield Gpu(nvml.nvmlDeviceGetName(device), memory.total, memory.free, _busy(nvml, device))
    nvml.nvmlShutdown()


def _busy(nvml: Any, device: Any) -> float | None:
    """A GPU that is split into instances does not tell."""
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(device).gpu) / 100
    except nvml.NVMLError:
        return None


def _listed_in(driver: Path) -> Iterator[Gpu]:
    """One directory for each, named by its place on the bus."""
    for directory in sorted(driver.iterdir()) if driver.is_dir() else ():
        yield gpu_from((directory / "information").read_text())
