"""NVIDIA GPUs, listed without torch, which would take seconds and memory on each GPU."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.machine.visible import visible_devices, visible_names

_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or the MIG instance that CUDA shows instead."""

    name: str
    """NVIDIA's name; "" if the driver does not report it."""
    total: int | None = None
    """Bytes of memory; None if only the driver's files are available."""
    free: int | None = None
    busy: float | None = None
    """Utilization, 0 to 1; None if it is unknown."""


def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA shows to this process; the one at index N is cuda:N."""
    return _listed(lambda nvml: _shown_by(nvml, visible_names(os.environ)), _shown_in)


def installed_gpus() -> tuple[Gpu, ...]:
    """Return all GPUs of the machine in bus order, regardless of CUDA_VISIBLE_DEVICES."""
    return _listed(_installed, _listed_in)


def _listed(ask: Callable[[Any], Iterable[Any]], read: Callable[[Path], Iterable[Gpu]]) -> tuple[Gpu, ...]:
    """List GPUs with nvidia-ml-py if it is installed and works, else with the driver's files."""
    if find_spec("pynvml"):
        nvml: Any = import_module("pynvml")
        try:
            return tuple(_told_by(nvml, ask))
        except nvml.NVMLError:  # no driver, or one that does not fit the library
            pass
    return tuple(read(_DRIVER))


def gpu_from(information: str) -> Gpu:
    """Parse the driver's information file of a GPU."""
    return Gpu(_lines(information).get("Model", ""))


def _told_by(nvml: Any, ask: Callable[[Any], Iterable[Any]]) -> Iterator[Gpu]:
    nvml.nvmlInit()
    try:
        for device in ask(nvml):
            memory = nvml.nvmlDeviceGetMemoryInfo(device)
            yield Gpu(nvml.nvmlDeviceGetName(device), memory.total, memory.free, _busy(nvml, device))
    finally:
        nvml.nvmlShutdown()


def _installed(nvml: Any) -> list[Any]:
    return [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]


def _shown_by(nvml: Any, names: Sequence[str] | None) -> list[Any]:
    return visible_devices(
        names,
        _installed(nvml),
        lambda device: _instances(nvml, device),
        lambda device: str(nvml.nvmlDeviceGetUUID(device)),
    )


def _instances(nvml: Any, device: Any) -> list[Any]:
    """The MIG instances of a partitioned GPU; empty for other GPUs and older libraries."""
    try:
        if nvml.nvmlDeviceGetMigMode(device)[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return []
        numbers = range(nvml.nvmlDeviceGetMaxMigDeviceCount(device))
    except (AttributeError, nvml.NVMLError):
        return []
    return [instance for number in numbers if (instance := _instance(nvml, device, number)) is not None]


def _instance(nvml: Any, device: Any, number: int) -> Any:
    """The MIG instance with this index, or None."""
    try:
        return nvml.nvmlDeviceGetMigDeviceHandleByIndex(device, number)
    except nvml.NVMLError:
        return None


def _busy(nvml: Any, device: Any) -> float | None:
    """Utilization; None for a partitioned GPU, which does not report it."""
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(device).gpu) / 100
    except nvml.NVMLError:
        return None


def _listed_in(driver: Path) -> Iterator[Gpu]:
    return map(gpu_from, _information(driver))


def _shown_in(driver: Path) -> Iterator[Gpu]:
    """The GPUs that CUDA shows, by UUID: the driver's files do not list MIG instances."""
    shown = visible_devices(
        visible_names(os.environ),
        list(enumerate(_information(driver))),
        lambda _device: (),
        lambda device: _lines(device[1]).get("GPU UUID", ""),
    )
    return (gpu_from(information) for _, information in shown)


def _information(driver: Path) -> list[str]:
    """Information files of all GPUs, whose directories are named after their bus address."""
    directories = sorted(driver.iterdir()) if driver.is_dir() else []
    return [(directory / "information").read_text() for directory in directories]


def _lines(information: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in information.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
