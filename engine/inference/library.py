"""Lazy import of transformers without progress output, and translation of exceptions of torch and transformers."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from engine.errors import DlecError, MachineError, shown
from engine.tensors.library import torch_library

_CPU_ALLOCATOR = "can't allocate memory"
"""Message of torch's RuntimeError when the CPU's memory is exhausted."""
_OF_A_DEVICE = ("CUDA error", "HIP error", "CUBLAS_STATUS_", "cuDNN error", "device-side assert")
"""Parts of messages of GPU failures that torch raises as RuntimeError."""


def transformers_library() -> ModuleType:
    """Return the transformers module; the first import takes 2 to 10 s. Raises MachineError if the import fails."""
    torch_library()
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import transformers
    except (ImportError, OSError) as error:
        raise MachineError(
            "transformers cannot be imported",
            why=shown(error),
            fix="Running a model needs it: pip install 'transformers>=5.17,<6'. Planning and merging do not.",
        ) from error
    library: Any = transformers
    library.utils.logging.disable_progress_bar()
    return transformers


def is_out_of_memory(error: Exception) -> bool:
    """Return True if memory ran out, so that a smaller batch may succeed."""
    return isinstance(error, torch_library().OutOfMemoryError) or _CPU_ALLOCATOR in str(error)


def is_device_error(error: Exception) -> bool:
    """Return True if a GPU has failed, after which this process cannot use it any more."""
    torch = torch_library()
    if isinstance(error, torch.OutOfMemoryError):
        return False
    is_marked = isinstance(error, RuntimeError) and any(mark in str(error) for mark in _OF_A_DEVICE)
    return is_marked or isinstance(error, getattr(torch, "AcceleratorError", ()))  # since torch 2.8


@contextmanager
def translated(explained: Callable[[Exception], DlecError]) -> Iterator[None]:
    """Replace exceptions of libraries inside the context by the error that `explained` returns.

    GPU failures are re-raised unchanged: they must end the process, while handlers of DlecError would continue.
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
    """Return type and message of an exception on one line, safe to print."""
    text = " ".join(shown(line.strip()) for line in str(error).splitlines() if line.strip())
    return f"{type(error).__name__}: {text[:500]}"
