"""Devices: default device, sets of GPUs, checks that devices exist, and their memory."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.errors import MachineError, UsageError, shown
from engine.inference.library import is_out_of_memory, one_line
from engine.machine.gpus import gpu_numbers
from engine.tensors.library import torch_library
from engine.units import byte_size, plural

_ALTERNATIVES = "a narrower --dtype, a set of GPUs (--device cuda:0-3), or --device cpu"


def chosen_device(name: str) -> str:
    """Return `name`, or for "auto" the first GPU if torch has one, else the CPU."""
    if name != "auto":
        return name
    return "cuda" if torch_library().cuda.is_available() else "cpu"


def devices_named(name: str) -> tuple[str, ...]:
    """Return the torch devices of `name`: `name` itself, or each GPU of a set such as "cuda:0-3" or "cuda:0,2"."""
    numbers = gpu_numbers(name)
    return (name,) if numbers is None else tuple(f"cuda:{number}" for number in numbers)


def require_device(name: str) -> None:
    """Raise UsageError if `name` is not a device or a set of devices, MachineError if this machine lacks one."""
    devices = devices_named(name)
    if not devices:
        raise _no_device(name)
    for device in devices:
        _require_one(device)


def _require_one(device: str) -> None:
    torch = torch_library()
    try:
        parsed = torch.device(device)
    except RuntimeError as error:
        raise _no_device(device) from error
    if parsed.type == "cuda":
        _require_gpu(device, parsed.index or 0)


def _require_gpu(device: str, number: int) -> None:
    torch = torch_library()
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        why = f"this machine has no GPU that torch {torch.__version__} can use"
        raise MachineError(f"{device} does not exist", why=why, fix="Use --device cpu.")
    if number >= count:
        why = f"this machine has {plural(count, 'GPU')}"
        last = f"cuda:{count - 1}"
        raise MachineError(f"{device} does not exist", why=why, fix=f"{last} is the last one. Or use --device cpu.")


def _no_device(name: str) -> UsageError:
    return UsageError(f"{shown(name)} is not a device", fix="Use cpu, cuda, cuda:N, or a set such as cuda:0-3.")


def weight_bytes(model: Any) -> int:
    """Return the size of all weights in bytes; shared weights count once."""
    parameters = {parameter.data_ptr(): parameter.nbytes for parameter in model.parameters()}
    return sum(parameters.values())


def free_bytes(device: str) -> int:
    """Return the free memory of the GPUs of `device` in bytes, including torch's unused reserve."""
    cuda = torch_library().cuda
    names = devices_named(device)
    cached = sum(cuda.memory_reserved(name) - cuda.memory_allocated(name) for name in names)
    return int(cached + sum(cuda.mem_get_info(name)[0] for name in names))


def release_memory() -> None:
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
