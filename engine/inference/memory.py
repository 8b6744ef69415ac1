"""Memory of devices: sizes, errors when it does not suffice, release."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.errors import MachineError
from engine.inference.devices import devices_named
from engine.inference.failures import is_out_of_memory, one_line
from engine.tensors.library import torch_library
from engine.units import byte_size

_ALTERNATIVES = "a narrower --dtype, a set of GPUs (--device cuda:0-3), or --device cpu"


def weight_bytes(model: Any) -> int:
    """Return the size of all weights in bytes; shared weights count once."""
    parameters = {parameter.data_ptr(): parameter.nbytes for parameter in model.parameters()}
    return sum(parameters.values())


def free_bytes(device: str) -> int:
    """Return the free memory of the GPUs of `device` in bytes, including torch's unused reserve."""
    cuda = torch_library().cuda
    names = devices_named(device)
    kept = sum(cuda.memory_reserved(name) - cuda.memory_allocated(name) for name in names)
    return int(kept + sum(cuda.mem_get_info(name)[0] for name in names))


def give_memory_back() -> None:
    """Release unused memory: collect reference cycles, which models have, and empty torch's cache."""
    gc.collect()
    if torch_library().cuda.is_available():
        torch_library().cuda.empty_cache()


@contextmanager
def room_for(model: Any, devices: Sequence[str]) -> Iterator[None]:
    """Translate an out-of-memory error while `model` is moved to `devices` into a MachineError with sizes."""
    before = described(devices)
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        dtype = str(model.dtype).removeprefix("torch.")
        raise MachineError(
            f"{' and '.join(devices)} {'have' if len(devices) > 1 else 'has'} too little memory for the model",
            why=f"its weights are {byte_size(weight_bytes(model))} in {dtype}; {before}",
            fix=f"Use {_ALTERNATIVES}.",
        ) from error


def too_little_for_one_sequence(tokens: int, failure: str) -> MachineError:
    """Return the error for a sequence that does not fit. failure: torch's message."""
    return MachineError(
        f"the memory does not suffice for one sequence of {tokens:,} tokens at a time",
        why=f"{described(_devices_in_use())}; {failure}",
        fix=f"Use shorter sequences (--seq-len), {_ALTERNATIVES}.",
    )


def too_little_to_generate(error: Exception) -> MachineError:
    return MachineError(
        "the memory does not suffice to generate",
        why=f"{described(_devices_in_use())}; {one_line(error)}",
        fix=f"Use a shorter prompt, {_ALTERNATIVES}.",
    )


def described(devices: Sequence[str]) -> str:
    """Return the total and free memory of each device as text."""
    return ", ".join(map(_described, devices))


def _described(device: str) -> str:
    torch = torch_library()
    if torch.device(device).type != "cuda":
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return f"this machine has {byte_size(total)}"
    free, total = torch.cuda.mem_get_info(device)
    return f"{device} has {byte_size(total)}, {byte_size(free)} of them free"


def _devices_in_use() -> list[str]:
    """Return the GPUs with memory allocated by this process, or the CPU."""
    cuda = torch_library().cuda
    count = cuda.device_count() if cuda.is_available() else 0
    return [f"cuda:{number}" for number in range(count) if cuda.memory_allocated(number)] or ["cpu"]
