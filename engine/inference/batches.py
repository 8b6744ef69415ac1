"""Iteration over sequences in batches, which shrink when memory runs out."""

from collections.abc import Callable

from engine.inference.failures import is_out_of_memory, one_line
from engine.inference.memory import give_memory_back, too_little_for_one_sequence
from engine.inference.sequences import Sequences

Work = Callable[[int, Sequences], None]
"""Function of the index of the batch's first sequence and the batch. It must have no effect if it raises."""


def in_batches(sequences: Sequences, batch_size: int, work: Work) -> int:
    """Call `work` on batches of `sequences`; halve the batch size whenever memory runs out.

    Returns the final batch size. Raises MachineError if the memory does not suffice for one sequence.
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
    """Return torch's message if memory ran out, else None. The exception would keep the batch's tensors alive."""
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
