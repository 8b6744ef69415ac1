"""Python, the libraries, GPUs and memory."""

import pytest

from dlec_tui.doctor.graphics import gpus_finding, in_words
from dlec_tui.doctor.libraries import torch_finding, version_finding, wanted_versions
from dlec_tui.doctor.memory import memory_finding
from dlec_tui.doctor.python import python_finding
from dlec_tui.doctor.result import State, fine
from engine.machine.gpus import Gpu
from engine.machine.memory import Memory
from engine.machine.torch_devices import TorchDevices

A100 = Gpu("NVIDIA A100", 80_000_000_000, 79_000_000_000)
REQUIRED = ["click<9,>=8.1", "torch<2.14,>=2.11", "torch-extra>9", 'torch>=3; extra == "dev"']


def test_python_is_told_with_its_sqlite():
    assert python_finding("3.12.1", (3, 45, 0), "/bin/python") == fine("3.12.1 with SQLite 3.45.0, /bin/python")


def test_a_sqlite_that_cannot_claim_jobs_stops_dlec():
    found = python_finding("3.11.2", (3, 34, 1), "/bin/python")
    assert found.stops_dlec
    assert "3.35" in found.fix


def test_what_dlec_requires_is_read_from_its_own_package():
    assert wanted_versions("torch", REQUIRED) == "<2.14,>=2.11"
    assert wanted_versions("numpy", REQUIRED) == ""


def test_a_missing_library_is_a_note_because_much_works_without():
    found = version_finding("torch", None, "<2.14,>=2.11")
    assert found.state is State.NOTE
    assert found.fix.endswith("pip install 'torch<2.14,>=2.11'")


@pytest.mark.parametrize("installed", ["2.10.0", "2.14.0"])
def test_a_library_that_does_not_fit_is_a_problem(installed):
    found = version_finding("torch", installed, "<2.14,>=2.11")
    assert found.state is State.PROBLEM
    assert installed in found.value


@pytest.mark.parametrize("installed", ["2.11.0", "2.13.0+cpu", "2.13.0a0+git123"])
def test_a_library_that_fits_is_fine_whoever_built_it(installed):
    assert version_finding("torch", installed, "<2.14,>=2.11") == fine(installed)


def test_torch_on_gpus_names_them():
    seen = TorchDevices("CUDA 12.8", 16, (A100, A100))
    assert torch_finding("2.13.0", seen, [A100, A100]) == fine(
        "2.13.0 for CUDA 12.8: 2 x NVIDIA A100 (80.0 GB each), and the CPU (16 threads)"
    )


def test_torch_without_gpus_is_fine_where_there_are_none():
    assert torch_finding("2.13.0+cpu", TorchDevices("", 1), []) == fine("2.13.0+cpu: the CPU (1 thread)")


def test_a_build_without_cuda_on_a_machine_with_gpus_is_a_problem():
    found = torch_finding("2.13.0+cpu", TorchDevices("", 8), [A100])
    assert found.state is State.PROBLEM
    assert "this host has 1 GPU" in found.value
    assert "pip install --force-reinstall torch" in found.fix


def test_gpus_that_torch_cannot_reach_come_with_torchs_own_reason():
    found = torch_finding("2.13.0", TorchDevices("CUDA 12.8", 8, (), "driver too old"), [A100, A100])
    assert found.state is State.PROBLEM
    assert "this host has 2 GPUs: driver too old" in found.value


def test_equal_gpus_are_told_together():
    assert in_words([A100, Gpu("NVIDIA T4", 16_000_000_000), A100]) == (
        "2 x NVIDIA A100 (80.0 GB each), NVIDIA T4 (16.0 GB)"
    )
    assert in_words([Gpu(""), Gpu("")]) == "2 x NVIDIA GPU"


def test_gpus_come_with_what_is_free_on_each_and_what_hides_them():
    found = gpus_finding([A100, Gpu("NVIDIA A100", 80_000_000_000, 3_000_000_000)], {"CUDA_VISIBLE_DEVICES": "1"})
    assert found.value == "2 x NVIDIA A100 (80.0 GB each); free: 79.0 GB, 3.00 GB; CUDA_VISIBLE_DEVICES=1"


def test_no_gpu_is_fine():
    assert gpus_finding([], {}).state is State.FINE


def test_memory_under_a_limit_names_it():
    found = memory_finding(Memory(total=256_000_000_000, available=9_000_000_000, limit=16_000_000_000))
    assert found == fine("9.00 GB available of 256 GB; limit of this container or batch job: 16.0 GB")


def test_little_memory_is_a_note():
    assert memory_finding(Memory(8_000_000_000, 1_000_000_000, None)).state is State.NOTE
