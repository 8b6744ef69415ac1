"""Samples of tensors: the same few thousand elements of every tensor of one shape, read without reading the tensor."""

import math

import numpy as np

from engine.checkpoint.formats.format import StoredTensor
from engine.comparison.elements import Array, Buffer, open_elements

ELEMENTS = 4096
"""Maximum number of elements of one sample."""
_WINDOW = 64
"""Number of consecutive elements that are read together."""


def sample(tensor: StoredTensor, buffer: Buffer, elements: int = ELEMENTS) -> Array:
    """Return values of at most `elements` elements, in windows that are spread evenly over the tensor.

    float32, or float64 for wider dtypes. Raises like `engine.comparison.elements.open_elements`.
    """
    count = math.prod(tensor.shape)
    with open_elements(tensor, buffer) as opened:
        if count <= elements:
            return opened.values(opened.read(0, count)).copy()
        windows = max(elements // _WINDOW, 1)
        starts = np.linspace(0, count - _WINDOW, windows).astype(np.int64)
        parts = [opened.values(opened.read(int(start), int(start) + _WINDOW)).copy() for start in starts]
    return np.concatenate(parts)


def cosines(samples: Array, bases: Array) -> Array:
    """Return the cosine of each row of `samples` [rows, elements] with each row of `bases`, both centred.

    Rows without variation have the cosine 0.
    """
    return _directions(samples) @ _directions(bases).T


def _directions(rows: Array) -> Array:
    centred = np.nan_to_num(rows - rows.mean(axis=1, keepdims=True), posinf=0.0, neginf=0.0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    directions: Array = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    return directions
