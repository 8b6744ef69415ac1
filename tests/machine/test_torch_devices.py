"""torch is asked in another process, which may be slow, broken or loud."""

import json

import pytest

from engine.errors import MachineError
from engine.machine.gpus import Gpu
from engine.machine.torch_devices import TorchDevices, devices_from, torch_devices


def test_what_the_process_prints_is_understood():
    said = {"built_for": "CUDA 12.8", "threads": 16, "error": "", "gpus": [["NVIDIA H200", 150]]}
    assert devices_from(json.dumps(said)) == TorchDevices("CUDA 12.8", 16, (Gpu("NVIDIA H200", 150),))


@pytest.mark.slow
def test_the_torch_of_this_environment_answers():
    assert torch_devices().threads > 0


def test_an_import_error_of_torch_is_reported(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("print('loud'); raise ImportError('libcudart.so.12: no such file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MachineError, match="libcudart"):
        torch_devices()


def test_what_a_library_prints_is_not_taken_for_the_answer(tmp_path, monkeypatch):
    pretended = """
print('a banner on stdout')
class version: cuda, hip = None, None
def get_num_threads(): return 3
"""
    (tmp_path / "torch.py").write_text(pretended)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert torch_devices() == TorchDevices("", 3)


def test_a_gpu_that_cannot_be_used_has_a_reason(tmp_path, monkeypatch):
    pretended = """
from types import SimpleNamespace
version = SimpleNamespace(cuda="12.8", hip=None)
def init(): raise RuntimeError("The NVIDIA driver on your system is too old")
cuda = SimpleNamespace(init=init)
def get_num_threads(): return 3
"""
    (tmp_path / "torch.py").write_text(pretended)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert torch_devices() == TorchDevices("CUDA 12.8", 3, (), "The NVIDIA driver on your system is too old")


def test_a_torch_in_the_working_directory_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right").mkdir()
    right = "from types import SimpleNamespace as S\nversion = S(cuda=None, hip=None)\ndef get_num_threads(): return 1"
    (tmp_path / "right" / "torch.py").write_text(right)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "right"))
    assert torch_devices().threads == 1


def test_a_torch_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MachineError, match="timed out"):
        torch_devices(seconds=0.5)
