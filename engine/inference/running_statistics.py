"""Running statistics over tokens of the residual stream and of neurons, without keeping their values.

n tokens per call, N layers, hidden size D, I neurons.

Residual stream: for each token, the Gram matrix G[i, j] = B_i . B_j of its N + 1 boundaries gives norms, cosines and
the norms of updates: |B_j - B_i|^2 = G[i, i] + G[j, j] - 2 G[i, j]. Computed in float64, because differences and an
arccos near 1 lose precision.

Neurons: mean and variance in two passes over a piece in float32, pieces merged in float64 as in Chan, Golub, LeVeque,
"Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

from dataclasses import dataclass, fields
from math import pi
from typing import TYPE_CHECKING

from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_BOUNDARY_CPU_PIECE, _BOUNDARY_GPU_PIECE = 2**19, 2**23
"""Elements of boundaries processed together: 4 MiB in float64, to fit a CPU's cache, or 64 MiB, to keep a GPU busy."""

ACTIVE_ABOVE = 0.1
"""A neuron is active at a token if the magnitude of its activation is larger."""
LOG2_LOW, LOG2_HIGH, BINS_PER_OCTAVE = -20, 16, 2
"""Range and bins of the histogram of log2 |x|: half octaves from 2^-20 to 2^16. Zeros and smaller magnitudes count in
the first bin, larger ones in the last, so that bins do not depend on model, text or order of batches."""
_CPU_PIECE, _GPU_PIECE = 2**19, 2**24
"""Activations processed together: 2 MiB, to fit a CPU's cache, or 64 MiB, to keep a GPU busy."""
_EXPONENTS = 256
_EXPONENT_BIAS, _MANTISSA_BITS = 127, 23


@dataclass(slots=True)
class BoundarySums:
    """Sums over tokens, all in float64."""

    count: int
    """Number of tokens."""
    norm: "torch.Tensor"
    """[N+1]: sum of |B_l|."""
    update: "torch.Tensor"
    """[N]: sum of |B_l+1 - B_l|."""
    relative: "torch.Tensor"
    """[N]: sum of |B_l+1 - B_l| / |B_l|."""
    influence: "torch.Tensor"
    """[N]: sum of 1 - cos(B_l, B_l+1)."""
    angle: "torch.Tensor"
    """[N+1, N+1]: sum of arccos(cos(B_i, B_j)) / pi."""

    @classmethod
    def empty(cls, layers: int, device: "torch.device") -> "BoundarySums":
        torch = torch_library()
        sizes = {"norm": (layers + 1,), "angle": (layers + 1, layers + 1)}
        sizes |= dict.fromkeys(("update", "relative", "influence"), (layers,))
        sums = {name: torch.zeros(size, dtype=torch.float64, device=device) for name, size in sizes.items()}
        return cls(count=0, **sums)

    def copy(self) -> "BoundarySums":
        """Return an independent copy."""
        mine = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "count"}
        return BoundarySums(count=self.count, **{name: tensor.clone() for name, tensor in mine.items()})

    def add(self, boundaries: "torch.Tensor") -> None:
        """Add the `boundaries` [n, N+1, D] of n tokens, in any floating-point dtype."""
        numbers = _BOUNDARY_CPU_PIECE if boundaries.device.type == "cpu" else _BOUNDARY_GPU_PIECE
        rows = max(1, numbers // boundaries[0].numel())
        for start in range(0, len(boundaries), rows):
            wide = boundaries[start : start + rows].double()
            self._add_products(wide @ wide.mT)
        self.count += len(boundaries)

    def _add_products(self, products: "torch.Tensor") -> None:
        """Add the Gram matrices [n, N+1, N+1] of n tokens."""
        squares = products.diagonal(dim1=1, dim2=2)
        norms = squares.sqrt()
        nonzero = norms.clamp_min(torch_library().finfo(norms.dtype).tiny)
        cosines = (products / nonzero[:, :, None] / nonzero[:, None, :]).clamp_(-1, 1)
        steps = products.diagonal(offset=1, dim1=1, dim2=2)
        updates = (squares[:, :-1] + squares[:, 1:] - 2 * steps).clamp_min_(0).sqrt_()
        self.norm += norms.sum(0)
        self.update += updates.sum(0)
        self.relative += (updates / nonzero[:, :-1]).sum(0)
        self.influence += (1 - cosines.diagonal(offset=1, dim1=1, dim2=2)).sum(0)
        self.angle += cosines.arccos_().sum(0) / pi


@dataclass(slots=True)
class NeuronSums:
    """Running statistics of I neurons over the same tokens, on their device."""

    count: int
    mean: "torch.Tensor"
    """[I] float64"""
    squares: "torch.Tensor"
    """[I] float64, the sum of squared deviations from the mean"""
    active: "torch.Tensor"
    """[I] float64, the number of tokens at which the magnitude is above ACTIVE_ABOVE"""
    peak: "torch.Tensor"
    """[I] float32, the activation of largest magnitude, with its sign"""
    peak_token: "torch.Tensor"
    """[I] int64, the token at which the peak occurred; -1 for a neuron that was always 0"""
    exponents: "torch.Tensor"
    """[256] int64, how often x^2 had each (biased) binary exponent: half octaves of |x|, of all neurons together"""

    @classmethod
    def empty(cls, width: int, device: "torch.device") -> "NeuronSums":
        torch = torch_library()
        zeros = torch.zeros(width, dtype=torch.float64, device=device)
        return cls(
            count=0,
            mean=zeros,
            squares=zeros.clone(),
            active=zeros.clone(),
            peak=zeros.float(),
            peak_token=zeros.long() - 1,
            exponents=torch.zeros(_EXPONENTS, dtype=torch.int64, device=device),
        )

    def copy(self) -> "NeuronSums":
        """Return an independent copy."""
        mine = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "count"}
        return NeuronSums(count=self.count, **{name: tensor.clone() for name, tensor in mine.items()})

    def add(self, activations: "torch.Tensor", first_token: int) -> None:
        """Add `activations` [n, I] of the tokens from index `first_token` on, in any floating-point dtype."""
        piece = _CPU_PIECE if activations.device.type == "cpu" else _GPU_PIECE
        rows = max(1, piece // activations.shape[-1])
        for start in range(0, len(activations), rows):
            self._add_piece(activations[start : start + rows].float(), first_token + start)

    def variance(self) -> "torch.Tensor":
        """Return the population variance [I]: divided by the number of tokens."""
        return self.squares / self.count

    def histogram(self) -> list[int]:
        """Return the counts of the half octaves of |x| between LOG2_LOW and LOG2_HIGH."""
        first = _EXPONENT_BIAS + BINS_PER_OCTAVE * LOG2_LOW
        last = _EXPONENT_BIAS + BINS_PER_OCTAVE * LOG2_HIGH - 1
        counts: list[int] = self.exponents.tolist()
        return [sum(counts[: first + 1]), *counts[first + 1 : last], sum(counts[last:])]

    def _add_piece(self, piece: "torch.Tensor", first_token: int) -> None:
        self._merge_moments(piece)
        magnitudes = piece.abs()
        self._raise_peaks(piece, magnitudes, first_token)
        self._count_exponents(magnitudes)
        self.active += magnitudes.gt_(ACTIVE_ABOVE).sum(0)  # as floats: adding booleans is eight times as slow

    def _merge_moments(self, piece: "torch.Tensor") -> None:
        rounded = piece.mean(0)
        deviations = piece - rounded
        rest = deviations.sum(0).double() / len(piece)
        squares = deviations.square_().sum(0) - rest.square() * len(piece)
        total = self.count + len(piece)
        difference = rounded + rest - self.mean
        self.mean += difference * (len(piece) / total)
        self.squares += squares + difference.square_() * (self.count * len(piece) / total)
        self.count = total

    def _raise_peaks(self, piece: "torch.Tensor", magnitudes: "torch.Tensor", first_token: int) -> None:
        """Update peaks; argmax, the most expensive part, is computed only for the few neurons whose peak rises."""
        higher = (magnitudes.amax(0) > self.peak.abs()).nonzero().flatten()
        if len(higher):
            rows = magnitudes[:, higher].argmax(0)
            self.peak[higher] = piece[rows, higher]
            self.peak_token[higher] = rows + first_token

    def _count_exponents(self, magnitudes: "torch.Tensor") -> None:
        """Count the exponent bits of float32: a fifth of the cost of torch.histc of a logarithm."""
        torch = torch_library()
        exponents = magnitudes.square().view(torch.int32) >> _MANTISSA_BITS
        self.exponents += torch.bincount(exponents.flatten(), minlength=_EXPONENTS)
