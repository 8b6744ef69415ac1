"""Device names: default device, sets of GPUs, and checks that devices exist."""

from engine.errors import MachineError, UsageError, shown
from engine.machine.gpus import gpu_numbers
from engine.tensors.library import torch_library
from engine.units import plural


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
