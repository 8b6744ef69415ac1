"""GPUs are found without torch: by NVIDIA's library, else by what its driver lists."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.machine import gpus as room
from engine.machine.gpus import Gpu, gpu_from, gpus

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


def test_the_model_stands_in_the_drivers_file():
    assert gpu_from(INFORMATION) == Gpu("NVIDIA H200")


def test_a_file_that_says_nothing_is_still_a_gpu():
    assert gpu_from("") == Gpu("")


@pytest.mark.usefixtures("driver")
def test_without_the_library_the_driver_lists_them(monkeypatch):
    monkeypatch.setattr(room, "find_spec", lambda _name: None)
    assert gpus() == (Gpu("NVIDIA H200"), Gpu("NVIDIA H200"))


def test_a_machine_without_driver_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "find_spec", lambda _name: None)
    monkeypatch.setattr(room, "_DRIVER", tmp_path / "absent")
    assert gpus() == ()


@pytest.mark.parametrize("tells", [True, False])
def test_the_library_knows_their_memory_and_mostly_how_busy_they_are(monkeypatch, tells: bool):
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
def test_a_library_that_does_not_fit_the_driver_is_done_without(monkeypatch):
    def fails() -> None:
        raise NoDriverError

    use_library(monkeypatch, nvmlInit=fails)
    assert len(gpus()) == 2
