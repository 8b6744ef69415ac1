"""Lazy import of torch."""

from types import ModuleType

from engine.errors import MachineError, shown

DTYPE_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}
"""torch names of floating-point types by safetensors name."""


def torch_library() -> ModuleType:
    """Return the torch module; the first import takes 1 to 3 s. Raises MachineError if it cannot be imported."""
    try:
        import torch
    except (ImportError, OSError) as error:
        raise MachineError(
            "torch cannot be imported",
            why=shown(error),
            fix="Scaling, casting and running a model need it: pip install torch. Plain copies do not.",
        ) from error
    return torch
