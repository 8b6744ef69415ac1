"""Tensors that keep their stored dtype although the plan sets `dtype`."""

import re
from collections import Counter
from collections.abc import Iterable

from engine.checkpoint.checkpoint import FLOAT_DTYPES
from engine.errors import shown
from engine.plan.outputs import Cast, Copy, OutputTensor, Scale, operation_on, output_tensors
from engine.plan.stack import Stack

_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")
_MOST_NAMED = 3


def kept_tensors(stack: Stack) -> list[OutputTensor]:
    """Return the floating-point tensors that `dtype` would cast if it applied to all tensors."""
    if not stack.casts or stack.casts_all:
        return []
    return [tensor for tensor in output_tensors(stack) if _is_kept(stack, tensor)]


def kept_in_words(tensors: Iterable[OutputTensor]) -> str:
    """Return the counts by name and dtype: "4 x model.layers.N.mlp.gate.e_score_correction_bias (F32)"."""
    kinds = Counter((_NUMBER.sub("N", tensor.name), tensor.dtype) for tensor in tensors)
    named = [f"{count} x {shown(name)} ({dtype})" for (name, dtype), count in kinds.most_common(_MOST_NAMED)]
    more = kinds.total() - sum(count for _, count in kinds.most_common(_MOST_NAMED))
    return ", ".join([*named, *([f"and {more} more"] if more else [])])


def _is_kept(stack: Stack, tensor: OutputTensor) -> bool:
    """Return True if a tensor of one stored piece is not cast as the plan's dtypes ask."""
    if len(tensor.pieces) != 1 or tensor.pieces[0].dtype not in FLOAT_DTYPES:
        return False
    stored = tensor.pieces[0].dtype
    work = stack.dtype or stored
    written = stack.out_dtype or work
    match tensor.operation:
        case Scale(_, work_dtype) | Cast(work_dtype):
            return (work, written) != (work_dtype, tensor.dtype)
        case _:
            return not isinstance(operation_on(stored, work, written, None), Copy)
