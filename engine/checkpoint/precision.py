"""The main floating-point dtype of a checkpoint, and the tensors that are stored in another one on purpose."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine.checkpoint.formats.format import StoredTensor

FLOAT_DTYPES = ("F64", "F32", "F16", "BF16")
"""Dtypes that can be scaled and cast; anything else (quantised data, integer buffers) keeps its dtype."""

_NOT_QUANTISED = (*FLOAT_DTYPES, "BOOL", "I64")
"""Buffers such as masks and positions are no weights."""

_CORRECTION_BIAS = r"(^|[._])(correction|expert)_bias$"
"""Added to a router's scores to balance its experts (DeepSeek-V3, GLM-4.5, LFM2, AFMoE): differences far smaller than
bfloat16 can hold decide which experts a token gets."""

_OF_QUANTISED_WEIGHTS = (
    r"(scale(s|_inv|_second|_\d+)?|absmax|quant_map|zero_points?|zeros|codebooks?|centroids|s[uv]h?)$"
)
"""Factors and look-up tables of quantised weights: a rounded scale changes every weight below it."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Dtypes of a checkpoint's tensors."""

    main: str | None
    """The floating-point dtype of most bytes of the decoder; None where nothing in it is a float."""
    is_quantised: bool
    """Whether some matrix of the decoder is stored as something else than floats."""

    def keeps(self, tensor: StoredTensor) -> bool:
        """Whether a plan's `dtype` leaves the tensor as it is stored."""
        return tensor.dtype != self.main or _is_kept_by_name(tensor.name, is_quantised=self.is_quantised)


def precision_of(decoder: Iterable[StoredTensor]) -> Precision:
    """The precision of a checkpoint whose decoder (layers, embeddings, head) has these tensors."""
    tensors = list(decoder)
    is_quantised = any(tensor.dtype not in _NOT_QUANTISED and len(tensor.shape) > 1 for tensor in tensors)
    nbytes: Counter[str] = Counter()
    for tensor in tensors:
        if tensor.dtype in FLOAT_DTYPES and not _is_kept_by_name(tensor.name, is_quantised=is_quantised):
            nbytes[tensor.dtype] += tensor.nbytes
    return Precision(nbytes.most_common(1)[0][0] if nbytes else None, is_quantised)


def _is_kept_by_name(name: str, *, is_quantised: bool) -> bool:
    if re.search(_CORRECTION_BIAS, name):
        return True
    return is_quantised and re.search(_OF_QUANTISED_WEIGHTS, name) is not None
