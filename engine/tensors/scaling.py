"""Scaling, casting and averaging of tensors. All operations are elementwise, so tensors can be processed in pieces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import CheckpointError
from engine.tensors.library import DTYPE_NAMES, torch_library

if TYPE_CHECKING:
    import torch

Raw: TypeAlias = bytes | bytearray | memoryview


def scaled_bytes(
    raw: Raw,
    source_dtype: str,
    work_dtype: str,
    out_dtype: str,
    factor: float | None,
    offset: float = 0.0,
) -> bytes:
    """Scale the stored elements `raw` of `source_dtype` in `work_dtype` and return them as bytes of `out_dtype`.

    dtypes are safetensors names. See `scaled` for the arithmetic. Raises CheckpointError for an unsupported dtype,
    MachineError if torch is missing.
    """
    if not raw:
        return b""
    tensor = _tensor_of(raw, source_dtype)
    return _bytes_of(scaled(tensor, torch_dtype(work_dtype), torch_dtype(out_dtype), factor, offset))


def mean_bytes(raws: Sequence[Raw], source_dtypes: Sequence[str], out_dtype: str) -> bytes:
    """Return the elementwise mean of stored elements as bytes of `out_dtype`. Raises like `scaled_bytes`."""
    if not raws[0]:
        return b""
    tensors = [_tensor_of(raw, dtype) for raw, dtype in zip(raws, source_dtypes, strict=True)]
    return _bytes_of(mean(tensors, torch_dtype(out_dtype)))


def _tensor_of(raw: Raw, dtype: str) -> "torch.Tensor":
    writable = raw if isinstance(raw, bytearray) else bytearray(raw)
    tensor: torch.Tensor = torch_library().frombuffer(writable, dtype=torch_dtype(dtype))
    return tensor


def _bytes_of(tensor: "torch.Tensor") -> bytes:
    stored: bytes = tensor.view(torch_library().uint8).numpy().tobytes()
    return stored


def scaled(
    tensor: "torch.Tensor", work: "torch.dtype", out: "torch.dtype", factor: float | None, offset: float = 0.0
) -> "torch.Tensor":
    """Return factor * (t + offset) - offset, cast to `work` before and to `out` after; only cast if `factor` is None.

    Without an offset this is the product in `work`, as in mergekit. With an offset (a norm that stores gain - 1) the
    sum would be rounded in a narrow dtype, so it is computed in at least float32 and rounded once.
    """
    cast = tensor.to(work)
    if factor is not None:
        cast = cast * factor if offset == 0.0 else _on_effective_gain(cast, factor, offset)
    return cast.to(out)


def mean(tensors: "Sequence[torch.Tensor]", out: "torch.dtype") -> "torch.Tensor":
    """Return the mean of tensors of one shape, summed in order in at least float32 and rounded once to `out`."""
    torch = torch_library()
    first, *others = tensors
    total = first.to(torch.promote_types(first.dtype, torch.float32))
    for tensor in others:
        total = total + tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    return (total / len(tensors)).to(out)


def _on_effective_gain(stored: "torch.Tensor", factor: float, offset: float) -> "torch.Tensor":
    torch = torch_library()
    wide = stored.to(torch.promote_types(stored.dtype, torch.float32))
    return (factor * (wide + offset) - offset).to(stored.dtype)


def torch_dtype(name: str) -> "torch.dtype":
    """Return the torch dtype of a safetensors name. Raises CheckpointError for an unsupported dtype."""
    if name not in DTYPE_NAMES:
        raise CheckpointError(
            f"{name} tensors cannot be scaled or cast",
            why="only floating-point tensors can; quantised values are meaningless without their scales",
            fix="Leave them out of the scales, or use a checkpoint that is not quantised.",
        )
    dtype: torch.dtype = getattr(torch_library(), DTYPE_NAMES[name])
    return dtype
