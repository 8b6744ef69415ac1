"""What torch's and transformers' exceptions mean, and where they become errors that a user reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.errors import DlecError, shown
from engine.tensors.library import torch_library

_CPU_ALLOCATOR = "can't allocate memory"
"""What torch says, in a plain RuntimeError, when the CPU's memory is used up."""
_OF_A_DEVICE = ("CUDA error", "HIP error", "CUBLAS_STATUS_", "cuDNN error", "device-side assert")
"""How messages about a GPU begin where torch raises a plain RuntimeError."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch means that a smaller batch may succeed."""
    return isinstance(error, torch_library().OutOfMemoryError) or _CPU_ALLOCATOR in str(error)


def is_device_error(error: Exception) -> bool:
    """Whether a GPU has failed, after which this process can do nothing more with it."""
    torch = torch_library()
    if isinstance(error, torch.OutOfMemoryError):
        return False
    is_marked = isinstance(error, RuntimeError) and any(mark in str(error) for mark in _OF_A_DEVICE)
    return is_marked or isinstance(error, getattr(torch, "AcceleratorError", ()))  # since torch 2.8


@contextmanager
def translated(explained: Callable[[Exception], DlecError]) -> Iterator[None]:
    """Within, what libraries raise becomes the error that `explained` makes of it.

    Not so a failure of the GPU: it has to end the process, and what catches a DlecError would go on with a lost device.
    """
    try:
        yield
    except DlecError:
        raise
    except Exception as error:
        if is_device_error(error):
            raise
        raise explained(error) from error


def one_line(error: Exception) -> str:
    """A foreign exception as text that is safe to print: its type and its message, on one line."""
    text = " ".join(shown(line.strip()) for line in str(error).splitlines() if line.strip())
    return f"{type(error).__name__}: {text[:500]}"
