"""Devices by name, their memory, and the errors for too little of it."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.errors import MachineError, UsageError, shown
from engine.inference.failures import is_out_of_memory, one_line
from engine.machine.visible import gpu_numbers
from engine.tensors.library import torch_library
from engine.units import byte_size, plural


def chosen_device(name: str) -> str:
    """`name`, or for "auto" the first GPU where torch finds one, else the CPU."""
    if name != "auto":
        return name
    return "cuda" if torch_library().cuda.is_available() else "cpu"


def devices_named(name: str) -> tuple[str, ...]:
    """torch's names of the devices in `name`: itself, or each GPU of a set such as "cuda:0-3" or "cuda:0,2"."""
    numbers = gpu_numbers(name)
    return (name,) if numbers is None else tuple(f"cuda:{number}" for number in numbers)


def require_device(name: str) -> None:
    """Raises UsageError when `name` is no device and no set of them, MachineError when this machine lacks one."""
    devices = devices_named(name)
    if not devices:
        raise _no_device(name)
    for device in devices:
        _require_one(device)


def _require_one(device: str) -> None:
    torch = torch_library()
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise _no_device(device) from error
    if wanted.type == "cuda":
        _require_gpu(device, wanted.index or 0)


def _require_gpu(device: str, number: int) -> None:
    torch = torch_library()
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not found:
        why = f"this machine has no GPU that torch {torch.__version__} can use"
        raise MachineError(f"{device} is not there", why=why, fix="Use --device cpu.")
    if number >= found:
        why = f"this machine has {plural(found, 'GPU')}"
        last = f"cuda:{found - 1}"
        raise MachineError(f"{device} is not there", why=why, fix=f"{last} is the last one. Or use --device cpu.")


def _no_device(name: str) -> UsageError:
    return UsageError(f"{shown(name)} is no device", fix="Use cpu, cuda, cuda:N, or a set such as cuda:0-3.")


_OTHERWISE = "a narrower --dtype, a set of GPUs (--device cuda:0-3), or --device cpu"


def weight_bytes(model: Any) -> int:
    """Bytes of all weights; those that several places share count once."""
    parameters = {parameter.data_ptr(): parameter.nbytes for parameter in model.parameters()}
    return sum(parameters.values())


def free_bytes(device: str) -> int:
    """Of GPUs, together: what nothing uses, and what torch keeps for itself and can give again."""
    cuda = torch_library().cuda
    names = devices_named(device)
    kept = sum(cuda.memory_reserved(name) - cuda.memory_allocated(name) for name in names)
    return int(kept + sum(cuda.mem_get_info(name)[0] for name in names))


def give_memory_back() -> None:
    """Return what nobody uses any more to the devices: a model is full of cycles, and torch keeps what it has had."""
    gc.collect()
    if torch_library().cuda.is_available():
        torch_library().cuda.empty_cache()


@contextmanager
def room_for(model: Any, devices: Sequence[str]) -> Iterator[None]:
    """Within, `model` is brought to `devices`. Raises MachineError with the figures where they lack the memory."""
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
            fix=f"Use {_OTHERWISE}.",
        ) from error


def too_little_for_one_sequence(tokens: int, failure: str) -> MachineError:
    """failure: what torch says."""
    return MachineError(
        f"the memory does not suffice for one sequence of {tokens:,} tokens at a time",
        why=f"{described(_devices_in_use())}; {failure}",
        fix=f"Use shorter sequences (--seq-len), {_OTHERWISE}.",
    )


def too_little_to_generate(error: Exception) -> MachineError:
    return MachineError(
        "the memory does not suffice to generate",
        why=f"{described(_devices_in_use())}; {one_line(error)}",
        fix=f"Use a shorter prompt, {_OTHERWISE}.",
    )


def described(devices: Sequence[str]) -> str:
    """How much memory each has and how much of it is free, in words."""
    return ", ".join(map(_described, devices))


def _described(device: str) -> str:
    torch = torch_library()
    if torch.device(device).type != "cuda":
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return f"this machine has {byte_size(total)}"
    free, total = torch.cuda.mem_get_info(device)
    return f"{device} has {byte_size(total)}, {byte_size(free)} of them free"


def _devices_in_use() -> list[str]:
    """The GPUs that hold something of this process, else the CPU."""
    cuda = torch_library().cuda
    count = cuda.device_count() if cuda.is_available() else 0
    return [f"cuda:{number}" for number in range(count) if cuda.memory_allocated(number)] or ["cpu"]
