"""NVIDIA's GPUs, found without torch: asking torch takes seconds and takes memory on each of them."""

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
    """One GPU, or the instance of one that CUDA shows in its place."""

    name: str
    """As NVIDIA calls it; "" where the driver does not say."""
    total: int | None = None
    """Bytes of memory; None where only the driver's own files tell of it."""
    free: int | None = None
    busy: float | None = None
    """Share of the last moment in which it computed, 0 to 1; None where that is not told."""


def gpus() -> tuple[Gpu, ...]:
    """Those that CUDA shows to this process and its children, the one at N being cuda:N."""
    return _found(lambda nvml: _shown_by(nvml, visible_names(os.environ)), _shown_in)


def installed_gpus() -> tuple[Gpu, ...]:
    """Those of the machine, in the order of its bus, whatever CUDA shows of them."""
    return _found(_installed, _listed_in)


def _found(ask: Callable[[Any], Iterable[Any]], read: Callable[[Path], Iterable[Gpu]]) -> tuple[Gpu, ...]:
    """Through nvidia-ml-py where it is installed and works, else from the driver's files. ask: gives its devices."""
    if find_spec("pynvml"):
        nvml: Any = import_module("pynvml")
        try:
            return tuple(_told_by(nvml, ask))
        except nvml.NVMLError:  # no driver, or one that does not fit the library
            pass
    return tuple(read(_DRIVER))


def gpu_from(information: str) -> Gpu:
    """From the text of the driver's file about it."""
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
    """The MIG instances of a GPU that is divided. An older library, or a GPU that cannot be, knows of none."""
    try:
        if nvml.nvmlDeviceGetMigMode(device)[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return []
        numbers = range(nvml.nvmlDeviceGetMaxMigDeviceCount(device))
    except (AttributeError, nvml.NVMLError):
        return []
    return [found for number in numbers if (found := _instance(nvml, device, number)) is not None]


def _instance(nvml: Any, device: Any, number: int) -> Any:
    """None at a number that no instance has."""
    try:
        return nvml.nvmlDeviceGetMigDeviceHandleByIndex(device, number)
    except nvml.NVMLError:
        return None


def _busy(nvml: Any, device: Any) -> float | None:
    """A GPU that is split into instances does not tell."""
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(device).gpu) / 100
    except nvml.NVMLError:
        return None


def _listed_in(driver: Path) -> Iterator[Gpu]:
    return map(gpu_from, _information(driver))


def _shown_in(driver: Path) -> Iterator[Gpu]:
    """The driver's files know the UUIDs, but no instances."""
    shown = visible_devices(
        visible_names(os.environ),
        list(enumerate(_information(driver))),
        lambda _device: (),
        lambda device: _lines(device[1]).get("GPU UUID", ""),
    )
    return (gpu_from(information) for _, information in shown)


def _information(driver: Path) -> list[str]:
    """One file for each, in a directory named by its place on the bus."""
    directories = sorted(driver.iterdir()) if driver.is_dir() else []
    return [(directory / "information").read_text() for directory in directories]


def _lines(information: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in information.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
