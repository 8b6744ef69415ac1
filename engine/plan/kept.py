"""Tensors that keep their stored dtype although the plan sets `dtype`."""

import re
from collections import Counter
from collections.abc import Iterable

from engine.checkpoint.precision import FLOAT_DTYPES
from engine.errors import shown
from engine.plan.outputs import OutputTensor, output_tensors
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
    stored = tensor.source.dtype
    work_dtype = stack.dtype or stored
    return stored in FLOAT_DTYPES and (work_dtype, stack.out_dtype or work_dtype) != (tensor.work_dtype, tensor.dtype)
