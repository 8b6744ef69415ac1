"""nvidia-ml-py on a machine with GPUs that are not there."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from engine.machine import gpus as room


class PretendedError(Exception):
    pass


@dataclass(frozen=True)
class Device:
    """A GPU, or an instance of one."""

    uuid: str
    total: int
    instances: tuple["Device", ...] = field(default=())


def pretend(monkeypatch: pytest.MonkeyPatch, *devices: Device) -> None:
    """Let nvidia-ml-py be installed, on a machine with these GPUs in the order of its bus."""

    def instance(device: Device, number: int) -> Device:
        if number >= len(device.instances):
            raise PretendedError
        return device.instances[number]

    nvml = SimpleNamespace(
        NVMLError=PretendedError,
        NVML_DEVICE_MIG_ENABLE=1,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(devices),
        nvmlDeviceGetHandleByIndex=lambda number: devices[number],
        nvmlDeviceGetUUID=lambda device: device.uuid,
        nvmlDeviceGetName=lambda device: device.uuid,
        nvmlDeviceGetMemoryInfo=lambda device: SimpleNamespace(total=device.total, free=device.total),
        nvmlDeviceGetUtilizationRates=lambda _device: SimpleNamespace(gpu=0),
        nvmlDeviceGetMigMode=lambda device: (int(bool(device.instances)),) * 2,
        nvmlDeviceGetMaxMigDeviceCount=lambda _device: 7,
        nvmlDeviceGetMigDeviceHandleByIndex=instance,
    )
    monkeypatch.setattr(room, "find_spec", lambda _name: object())
    monkeypatch.setattr(room, "import_module", lambda _name: nvml)
