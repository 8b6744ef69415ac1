"""Names of devices: which is meant when the user leaves it open, which a set consists of, whether they exist."""

from engine.errors import MachineError, UsageError, shown
from engine.machine.visible import gpu_numbers
from engine.tensors.library import torch_library
from engine.units import plural


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
