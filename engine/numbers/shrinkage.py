"""What is left of a winner when it is measured again on text that did not choose it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """The best of many, on the text that chose it and on other text; below 0 is better."""

    chosen: float
    judged: float

    @property
    def lost(self) -> float:
        """How much worse it looks on the other text, in the same unit; the luck of having been chosen is in it."""
        return self.judged - self.chosen

    @property
    def kept(self) -> float:
        """Share of an improvement that is left, below 0 where it has become harm; nan where there was none."""
        return self.judged / self.chosen if self.chosen < 0 else math.nan
