"""Shrinkage of a selected plan's improvement on held-out text."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Mean difference of the selected plan on the selection set and on held-out text; negative is better."""

    selection: float
    heldout: float

    @property
    def lost(self) -> float:
        """Held-out minus selection difference, in the same unit; includes the selection bias."""
        return self.heldout - self.selection

    @property
    def kept(self) -> float:
        """Share of the improvement that remains, negative if it turned into harm; NaN if there was no improvement."""
        return self.heldout / self.selection if self.selection < 0 else math.nan
