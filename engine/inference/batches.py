"""Goes through sequences batch by batch, in smaller batches where the memory does not suffice."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.errors import MachineError
from engine.inference.opening import one_line
from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

Work = Callable[[int, "torch.Tensor"], None]
"""Called with the number of the batch's first sequence and the batch [B, T]. Failing, it leaves nothing behind."""

_CPU_ALLOCATOR = "can't allocate memory"
"""What torch says, in a plain RuntimeError, when the CPU's memory is used up."""


def in_batches(sequences: "torch.Tensor", batch_size: int, work: Work) -> int:
    """Give `work` all of `sequences` [S, T], `batch_size` at a time; out of memory, half as many from there on.

    Returns the batch size that it ended with. Raises MachineError when the memory does not suffice for one sequence.
    """
    start = 0
    while start < len(sequences):
        batch = sequences[start : start + batch_size]
        failure = _failure_for_lack_of_memory(work, start, batch)
        if failure is None:
            start += len(batch)
        elif len(batch) == 1:
            raise _too_little_memory(sequences.shape[1], failure)
        else:
            batch_size = len(batch) // 2
    return batch_size


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch means that a smaller batch may succeed."""
    return isinstance(error, torch_library().OutOfMemoryError) or _CPU_ALLOCATOR in str(error)


def _failure_for_lack_of_memory(work: Work, start: int, batch: "torch.Tensor") -> str | None:
    """What torch says of the memory, or None. The error itself would keep the failed batch's tensors alive."""
    torch = torch_library()
    try:
        work(start, batch)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        failure = one_line(error)
    else:
        return None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return failure


def _too_little_memory(tokens: int, failure: str) -> MachineError:
    return MachineError(
        f"the memory does not suffice for one sequence of {tokens:,} tokens at a time",
        why=failure,
        fix="Use shorter sequences (--seq-len), a narrower --dtype, or another --device.",
    )
