"""Statistics of the residual stream over tokens, from the inner products of its boundaries.

n tokens per call, N layers, hidden size D. For each token, the Gram matrix G[i, j] = B_i . B_j of its N + 1 boundaries
gives norms, cosines and the norms of updates: |B_j - B_i|^2 = G[i, i] + G[j, j] - 2 G[i, j]. Computed in float64,
because differences and an arccos near 1 lose precision.
"""

from dataclasses import dataclass, fields
from math import pi
from typing import TYPE_CHECKING

from engine.tensors.library import torch_library

if TYPE_CHECKING:
    import torch

_CPU_PIECE, _GPU_PIECE = 2**19, 2**23
"""Elements processed together: 4 MiB in float64, to fit a CPU's cache, or 64 MiB, to keep a GPU busy."""


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
        numbers = _CPU_PIECE if boundaries.device.type == "cpu" else _GPU_PIECE
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
