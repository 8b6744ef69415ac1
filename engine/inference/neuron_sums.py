"""Running statistics of neurons over tokens, without keeping the activations.

n tokens per call, I neurons. Mean and variance: two passes over a piece in float32, pieces merged in float64 as in
Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

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
