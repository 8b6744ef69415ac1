"""A layer's histogram of activations as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from dlec_tui.measurements.bars import bar_lines
from engine.store.profiles import LayerHistogram

_SHARES = (0.5, 0.99)


@dataclass(frozen=True, slots=True)
class Bins:
    """Those of a histogram that count anything, or that lie between such."""

    low: float
    """Lower edge of the first one."""
    width: float
    counts: tuple[int, ...]

    @property
    def high(self) -> float:
        return self.low + self.width * len(self.counts)

    def below(self, share: float) -> float:
        """The upper edge of the bin that this share of all counts has been reached with."""
        wanted = share * sum(self.counts)
        at = next((at for at, total in enumerate(accumulate(self.counts)) if total >= wanted), 0)
        return self.low + self.width * (at + 1)


def bins_of(histograms: Sequence[LayerHistogram], layer: int) -> Bins | None:
    """The layer's, cut where no layer has any, so that all layers stand on the same axis; None where it has none."""
    found = next((each for each in histograms if each.layer == layer), None)
    if found is None or not found.counts:
        return None
    used = [at for each in histograms for at, count in enumerate(each.counts) if count]
    first, last = (min(used), max(used)) if used else (0, len(found.counts) - 1)
    width = (found.high - found.low) / len(found.counts)
    return Bins(found.low + first * width, width, found.counts[first : last + 1])


def histogram_lines(bins: Bins, width: int, height: int) -> Iterator[str]:
    """The bars, their axis, and a line about them."""
    yield from bar_lines(bins.counts, width, max(height - 3, 1))
    used = min(max(width // len(bins.counts), 1) * len(bins.counts), width)
    low, middle, high = (f"2^{edge:.0f}" for edge in (bins.low, (bins.low + bins.high) / 2, bins.high))
    yield "─" * used
    yield f"{low}{middle:^{max(used - len(low) - len(high), 0)}}{high}"[:width]
    half, most = (2 ** bins.below(share) for share in _SHARES)
    yield f"|activation|: half of {sum(bins.counts):,} below {half:.3g}, 99 % below {most:.3g}"[:width]
