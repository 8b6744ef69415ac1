"""GPUs that CUDA shows to a process, and their numbers: CUDA_VISIBLE_DEVICES, and names such as "cuda:0-3".

Source: CUDA C++ Programming Guide, "CUDA Environment Variables"; MIG User Guide, "CUDA Device Enumeration".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

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
