"""Goes through sequences batch by batch, in smaller batches where the memory does not suffice."""

from collections.abc import Callable

from engine.inference.failures import is_out_of_memory, one_line
from engine.inference.memory import give_memory_back, too_little_for_one_sequence
from engine.inference.sequences import Sequences

Work = Callable[[int, Sequences], None]
"""Called with the number of the batch's first sequence and the batch. Failing, it leaves nothing behind."""


def in_batches(sequences: Sequences, batch_size: int, work: Work) -> int:
    """Give `work` all of `sequences`, `batch_size` at a time; out of memory, half as many from there on.

    Returns the batch size that it ended with. Raises MachineError when the memory does not suffice for one sequence.
    """
    start = 0
    while start < len(sequences):
        batch = sequences[start : start + batch_size]
        failure = _failure_for_lack_of_memory(work, start, batch)
        if failure is None:
            start += len(batch)
        elif len(batch) == 1:
            raise too_little_for_one_sequence(sequences.seq_len, failure)
        else:
            batch_size = len(batch) // 2
    return batch_size


def _failure_for_lack_of_memory(work: Work, start: int, batch: Sequences) -> str | None:
    """What torch says of the memory, or None. The error itself would keep the failed batch's tensors alive."""
    try:
        work(start, batch)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        failure = one_line(error)
    else:
        return None
    give_memory_back()
    return failure
