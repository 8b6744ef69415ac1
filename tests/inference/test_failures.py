"""Memory that runs out is explained with figures; a device that fails is lost, and the process with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import MachineError
from engine.inference import device_map, load_model
from engine.inference.generate import stream
from engine.inference.library import is_device_error
from engine.inference.likelihood import token_nll
from engine.inference.load_model import open_model, open_tokenizer
from engine.inference.replay import record
from engine.inference.sequences import Sequences, in_batches
from tests.architectures import CheckpointOf
from tests.inference.stacks import TOKENS

ILLEGAL_ACCESS = "CUDA error: an illegal memory access was encountered"
DEVICE_ERRORS = [
    torch.AcceleratorError(ILLEGAL_ACCESS),
    RuntimeError(ILLEGAL_ACCESS),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]
OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU_OUT_OF_MEMORY = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


class Large(torch.nn.Module):
    """A model that says that it is large: its weights are one number, many times."""

    dtype = torch.float32

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1).expand(10**8))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU as far as its memory is asked for: 24 GB, of which 3 GB are free."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda number: 10 if number == 1 else 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (3 * 10**9, 24 * 10**9))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)


@pytest.mark.parametrize("error", DEVICE_ERRORS)
def test_device_errors_are_distinguished_from_others(error: Exception) -> None:
    assert is_device_error(error)
    for other in (OUT_OF_MEMORY, CPU_OUT_OF_MEMORY, RuntimeError("shapes differ"), ValueError(ILLEGAL_ACCESS)):
        assert not is_device_error(other)


@pytest.mark.parametrize("error", DEVICE_ERRORS)
@pytest.mark.parametrize("place", ["opening", "moving", "recording", "generating", "in batches"])
def test_an_error_of_the_device_is_never_translated(
    place: str, error: Exception, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = open_model(tiny_llama), open_tokenizer(tiny_llama)
    owner, name, act = {
        "opening": (type(model), "from_pretrained", lambda: open_model(tiny_llama)),
        "moving": (torch.nn.Module, "to", lambda: open_model(tiny_llama)),
        "recording": (model.base_model, "forward", lambda: record(model, TOKENS)),
        "generating": (model, "generate", lambda: stream(model, tokenizer, "Once", 5, print)),
        "in batches": (model, "forward", lambda: token_nll(model, TOKENS)),
    }[place]
    monkeypatch.setattr(owner, name, raising(error))
    with pytest.raises(RuntimeError) as raised:
        act()
    assert raised.value is error


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("device", ["cuda:1", "cuda:0-1"])
def test_a_model_that_does_not_fit_is_explained_with_the_figures(
    device: str, checkpoint_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.Module, "to", raising(OUT_OF_MEMORY))
    monkeypatch.setattr(device_map, "spread", raising(OUT_OF_MEMORY))
    monkeypatch.setattr(load_model, "_loaded", lambda *_: Large())
    with pytest.raises(MachineError) as raised:
        open_model(checkpoint_of("llama"), device=device)
    said = str(raised.value)
    assert "cuda:1 ha" in said
    assert "too little memory for the model: its weights are 400 MB in float32" in said
    assert "cuda:1 has 24.0 GB, 3.00 GB of them free" in said
    assert all(way in said for way in ("narrower --dtype", "cuda:0-3", "--device cpu"))


@pytest.mark.usefixtures("gpu")
def test_a_sequence_that_does_not_fit_is_explained_with_the_figures_of_the_devices_in_use() -> None:
    with pytest.raises(MachineError) as raised:
        in_batches(Sequences.of_text(TOKENS), 2, raising(OUT_OF_MEMORY))
    said = str(raised.value)
    assert "one sequence of 28 tokens at a time: cuda:1 has 24.0 GB, 3.00 GB of them free; OutOfMemoryError" in said
    assert "cuda:0 has" not in said


@pytest.mark.parametrize("error", [OUT_OF_MEMORY, CPU_OUT_OF_MEMORY])
def test_memory_that_runs_out_while_loading_or_generating_is_the_machines_fault(
    error: Exception, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = open_model(tiny_llama), open_tokenizer(tiny_llama)
    monkeypatch.setattr(type(model), "from_pretrained", raising(error))
    monkeypatch.setattr(model, "generate", raising(error))
    with pytest.raises(MachineError, match="does not suffice to load"):
        open_model(tiny_llama)
    with pytest.raises(MachineError, match=r"does not suffice to generate: this machine has [\d.,]+ GB"):
        stream(model, tokenizer, "Once", 5, print)
