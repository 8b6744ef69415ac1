"""cuda:N is the same GPU everywhere, however CUDA_VISIBLE_DEVICES names those that it shows."""

from pathlib import Path

import pytest

from dlec_tui.jobs.devices import devices_text
from dlec_tui.plans.check_context import device_of
from engine.errors import UsageError
from engine.jobs import settings
from engine.jobs.settings import job_settings
from engine.jobs.slots import Slot, parse_slot
from engine.machine import gpus as room
from engine.machine.gpus import gpus, installed_gpus
from engine.tasks.process import environment
from engine.units import plural
from tests.machine.pretended_nvml import Device, pretend

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


def test_the_size_of_a_plan_is_judged_by_the_memory_of_the_gpu_it_runs_on(totals: list[int]) -> None:
    for number, total in enumerate(totals):
        assert device_of(parse_slot(f"cuda:{number}"), gpus).memory == total
    with pytest.raises(UsageError, match=f"no device cuda:{len(totals)}: CUDA has {plural(len(totals), 'GPU')}"):
        device_of(parse_slot(f"cuda:{len(totals)}"), gpus)


def test_the_screen_shows_the_memory_of_the_gpu_that_a_slot_is(totals: list[int]) -> None:
    for number, total in enumerate(totals):
        assert devices_text([Slot((number,))], None, None).endswith(f" of {total} B")


def test_the_drivers_files_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _name: None)
    monkeypatch.setattr(room, "_DRIVER", tmp_path)
    for bus, uuid in [("0000:03:00.0", "GPU-a1"), ("0000:04:00.0", "GPU-b2")]:
        (tmp_path / bus).mkdir()
        (tmp_path / bus / "information").write_text(f"Model: \t\t NVIDIA {uuid}\nGPU UUID: \t {uuid}\n")
    for visible, names in [("1,0", ["GPU-b2", "GPU-a1"]), ("GPU-b", ["GPU-b2"]), ("", [])]:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [gpu.name for gpu in gpus()] == [f"NVIDIA {name}" for name in names]
    assert len(installed_gpus()) == 2


def test_tasks_number_gpus_by_the_bus_unless_the_user_wants_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    assert environment(online=False)["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    assert environment(online=False)["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"
