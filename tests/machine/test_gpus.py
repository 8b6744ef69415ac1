"""GPUs are listed without torch: by NVIDIA's library, or else by its driver's files."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from dlec_tui.jobs.devices import devices_text
from dlec_tui.plans.check_context import device_of
from engine.errors import UsageError
from engine.jobs import settings
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot, parse_slot
from engine.machine import gpus as room
from engine.machine.gpus import Gpu, gpu_from, gpus, installed_gpus
from engine.tasks.process import environment
from engine.units import plural
from tests.machine.pretended_nvml import Device, pretend

INFORMATION = """\
Model: \t\t NVIDIA H200
IRQ:   \t\t 58
GPU UUID: \t GPU-1d2c
Bus Location: \t 0000:04:00.0
"""


class NoDriverError(Exception):
    pass


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The driver's directory of a machine with two GPUs."""
    for bus in ("0000:04:00.0", "0000:03:00.0"):
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text(INFORMATION)
    monkeypatch.setattr(room, "_DRIVER", tmp_path)
    return tmp_path


def use_library(monkeypatch: pytest.MonkeyPatch, **functions: object) -> None:
    """Let nvidia-ml-py be installed, as far as it is asked."""
    monkeypatch.setattr(room, "find_spec", lambda _name: object())
    monkeypatch.setattr(room, "import_module", lambda _name: SimpleNamespace(NVMLError=NoDriverError, **functions))


def test_the_model_is_read_from_the_drivers_file():
    assert gpu_from(INFORMATION) == Gpu("NVIDIA H200")


def test_an_empty_file_of_the_driver_is_a_gpu():
    assert gpu_from("") == Gpu("")


@pytest.mark.usefixtures("driver")
def test_without_the_library_the_driver_lists_them(monkeypatch):
    monkeypatch.setattr(room, "find_spec", lambda _name: None)
    assert gpus() == (Gpu("NVIDIA H200"), Gpu("NVIDIA H200"))


def test_a_machine_without_driver_has_no_gpus(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "find_spec", lambda _name: None)
    monkeypatch.setattr(room, "_DRIVER", tmp_path / "absent")
    assert gpus() == ()


@pytest.mark.parametrize("tells", [True, False])
def test_the_library_reports_memory_and_utilization(monkeypatch, tells: bool):
    def rates(_device: int) -> SimpleNamespace:
        if not tells:  # a GPU that is split into instances
            raise NoDriverError
        return SimpleNamespace(gpu=97)

    use_library(
        monkeypatch,
        nvmlDeviceGetUtilizationRates=rates,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetMemoryInfo=lambda _device: SimpleNamespace(total=80, free=79),
        nvmlDeviceGetName=lambda _device: "NVIDIA A100",
    )
    assert gpus() == (Gpu("NVIDIA A100", total=80, free=79, busy=0.97 if tells else None),)


@pytest.mark.usefixtures("driver")
def test_a_library_that_does_not_fit_the_driver_is_ignored(monkeypatch):
    def fails() -> None:
        raise NoDriverError

    use_library(monkeypatch, nvmlInit=fails)
    assert len(gpus()) == 2


DIVIDED = Device("GPU-d1", 80, (Device("MIG-m0", 20), Device("MIG-m1", 40)))
MACHINE = (Device("GPU-a1b2", 10), Device("GPU-a1c3", 11), Device("GPU-b", 12), DIVIDED)

CASES = [
    (None, [10, 11, 12, 20]),
    ("", []),
    ("-1", []),
    ("2", [12]),
    ("2,0", [12, 10]),
    (" 1 , 2 ", [11, 12]),
    ("0,7,1", [10]),
    ("0,-1,1", [10]),
    ("0,1,0", [10, 11]),
    ("0,,1", [10]),
    ("all", []),
    ("GPU-b", [12]),
    ("GPU-a1b", [10]),
    ("GPU-a1", []),
    ("GPU-zz,0", []),
    ("GPU-b,0", [12, 10]),
    ("3", [20]),
    ("GPU-d1", [20]),
    ("MIG-m1", [40]),
    ("MIG-m1,MIG-m0", [40, 20]),
    ("MIG-none", []),
]


@pytest.fixture(params=CASES, ids=lambda case: str(case[0]))
def totals(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The memory of each GPU that CUDA shows, in its order."""
    visible, expected = request.param
    pretend(monkeypatch, *MACHINE)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(settings, "_gpu_count", settings._gpu_count.__wrapped__)
    return expected


def test_the_gpus_are_those_that_cuda_shows_in_its_order(totals: list[int]) -> None:
    assert [gpu.total for gpu in gpus()] == totals
    assert [gpu.total for gpu in installed_gpus()] == [10, 11, 12, 80]


def test_there_is_a_slot_for_each_of_them(totals: list[int], tmp_path: Path) -> None:
    slots = job_settings(tmp_path / "dlec.sqlite").slots
    assert slots == (Slot(), *(Slot((number,)) for number in range(len(totals))))


def test_the_size_of_a_plan_is_checked_against_the_memory_of_its_gpu(totals: list[int]) -> None:
    for number, total in enumerate(totals):
        assert device_of(parse_slot(f"cuda:{number}"), gpus).memory == total
    with pytest.raises(UsageError, match=f"no device cuda:{len(totals)}: CUDA has {plural(len(totals), 'GPU')}"):
        device_of(parse_slot(f"cuda:{len(totals)}"), gpus)


def test_the_screen_shows_the_memory_of_the_gpu_that_a_slot_is(totals: list[int]) -> None:
    for number, total in enumerate(totals):
        assert devices_text([Slot((number,))], None, None).endswith(f" of {total} B")


def test_the_drivers_files_respect_cuda_visible_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _name: None)
    monkeypatch.setattr(room, "_DRIVER", tmp_path)
    for bus, uuid in [("0000:03:00.0", "GPU-a1"), ("0000:04:00.0", "GPU-b2")]:
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text(f"Model: \t\t NVIDIA {uuid}\nGPU UUID: \t {uuid}\n")
    for visible, names in [("1,0", ["GPU-b2", "GPU-a1"]), ("GPU-b", ["GPU-b2"]), ("", [])]:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [gpu.name for gpu in gpus()] == [f"NVIDIA {name}" for name in names]
    assert len(installed_gpus()) == 2


def test_tasks_number_gpus_by_bus_unless_the_user_sets_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    assert environment(online=False)["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    assert environment(online=False)["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"
