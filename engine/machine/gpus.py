"""NVIDIA GPUs and their numbers in CUDA, listed without torch, which would take seconds and memory on each GPU.

CUDA_VISIBLE_DEVICES selects and orders the GPUs that a process sees; a set of them has a name such as "cuda:0-3".
Source: CUDA C++ Programming Guide, "CUDA Environment Variables"; MIG User Guide, "CUDA Device Enumeration".
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

VARIABLE = "CUDA_VISIBLE_DEVICES"

DeviceT = TypeVar("DeviceT")

_GPU_SET = re.compile(r"cuda:(\d{1,3}(?:-\d{1,3})?(?:,\d{1,3}(?:-\d{1,3})?)*)")


def gpu_numbers(name: str) -> tuple[int, ...] | None:
    """Return CUDA's numbers of the GPUs in "cuda:1", "cuda:0-3" or "cuda:0,2", ascending; None for any other name."""
    match = _GPU_SET.fullmatch(name)
    return match and tuple(sorted({number for run in match[1].split(",") for number in _numbers(run)}))


def _numbers(run: str) -> range:
    first, _, last = run.partition("-")
    return range(int(first), int(last or first) + 1)


def visible_names(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the names in the variable: "2", "GPU-5f0e...", "MIG-..."; None if it is not set."""
    value = environment.get(VARIABLE)
    return None if value is None else tuple(name.strip() for name in value.split(","))


def visible_devices(
    names: Iterable[str] | None,
    installed: Sequence[DeviceT],
    instances_of: Callable[[DeviceT], Sequence[DeviceT]],
    uuid_of: Callable[[DeviceT], str],
) -> list[DeviceT]:
    """Return the devices in CUDA's order: the one at index N is cuda:N.

    installed: in bus order; instances_of: the MIG instances of a GPU, empty if it is not partitioned. A partitioned GPU
    is shown as its first instance. As in CUDA, an invalid or repeated name ends the list.
    """
    if names is None:
        names = map(str, range(len(installed)))
    devices: list[DeviceT] = []
    for name in names:
        device = _named(name, installed, instances_of, uuid_of)
        if device is None or device in devices:
            break
        devices.append(device)
    return devices


def _named(
    name: str,
    installed: Sequence[DeviceT],
    instances_of: Callable[[DeviceT], Sequence[DeviceT]],
    uuid_of: Callable[[DeviceT], str],
) -> DeviceT | None:
    """Find a GPU by number, or by an unambiguous beginning of its UUID."""
    if name.isdecimal():
        number = int(name)
        return _usable(installed[number], instances_of) if number < len(installed) else None
    if name.startswith("MIG-"):
        candidates = [instance for device in installed for instance in instances_of(device)]
        return _only([device for device in candidates if uuid_of(device).startswith(name)])
    if name.startswith("GPU-"):
        device = _only([device for device in installed if uuid_of(device).startswith(name)])
        return None if device is None else _usable(device, instances_of)
    return None


def _usable(device: DeviceT, instances_of: Callable[[DeviceT], Sequence[DeviceT]]) -> DeviceT:
    return next(iter(instances_of(device)), device)


def _only(devices: Sequence[DeviceT]) -> DeviceT | None:
    return devices[0] if len(devices) == 1 else None


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


def _listed(query: Callable[[Any], Iterable[Any]], read: Callable[[Path], Iterable[Gpu]]) -> tuple[Gpu, ...]:
    """List GPUs with nvidia-ml-py if it is installed and works, else with the driver's files."""
    if find_spec("pynvml"):
        nvml: Any = import_module("pynvml")
        try:
            return tuple(_queried(nvml, query))
        except nvml.NVMLError:  # no driver, or one that does not fit the library
            pass
    return tuple(read(_DRIVER))


def gpu_from(information: str) -> Gpu:
    """Parse the driver's information file of a GPU."""
    return Gpu(_lines(information).get("Model", ""))


def _queried(nvml: Any, query: Callable[[Any], Iterable[Any]]) -> Iterator[Gpu]:
    nvml.nvmlInit()
    try:
        for device in query(nvml):
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
    """Return the MIG instances of a partitioned GPU; empty for other GPUs and older libraries."""
    try:
        if nvml.nvmlDeviceGetMigMode(device)[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            return []
        numbers = range(nvml.nvmlDeviceGetMaxMigDeviceCount(device))
    except (AttributeError, nvml.NVMLError):
        return []
    return [instance for number in numbers if (instance := _instance(nvml, device, number)) is not None]


def _instance(nvml: Any, device: Any, number: int) -> Any:
    """Return the MIG instance with this index, or None."""
    try:
        return nvml.nvmlDeviceGetMigDeviceHandleByIndex(device, number)
    except nvml.NVMLError:
        return None


def _busy(nvml: Any, device: Any) -> float | None:
    """Return the utilization; None for a partitioned GPU, which does not report it."""
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(device).gpu) / 100
    except nvml.NVMLError:
        return None


def _listed_in(driver: Path) -> Iterator[Gpu]:
    return map(gpu_from, _information(driver))


def _shown_in(driver: Path) -> Iterator[Gpu]:
    """Return the GPUs that CUDA shows, by UUID: the driver's files do not list MIG instances."""
    shown = visible_devices(
        visible_names(os.environ),
        list(enumerate(_information(driver))),
        lambda _device: (),
        lambda device: _lines(device[1]).get("GPU UUID", ""),
    )
    return (gpu_from(information) for _, information in shown)


def _information(driver: Path) -> list[str]:
    """Return the information files of all GPUs, whose directories are named after their bus address."""
    directories = sorted(driver.iterdir()) if driver.is_dir() else []
    return [(directory / "information").read_text() for directory in directories]


def _lines(information: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in information.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
