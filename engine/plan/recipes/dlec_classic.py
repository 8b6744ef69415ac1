"""dlec-classic: the rule of the original DLEC (Steelskull, March 2024), for comparison with `dlec`.

It keeps a layer when at least 5 % of its activation magnitudes lie above a threshold, and writes the kept layers in
runs of four. Its faults, named so that nobody has to find them again:

1. It reads the first token only. With a BOS token that was the same for every text; here it is the first after it.
2. The threshold compares a histogram bin (0 to 1) with a z-score, so nearly every layer is kept.
3. Hidden state l is taken for layer l: layer 0 is the embedding.
4. It duplicates nothing: the slices are disjoint, and what is not kept is removed.
5. Its ranges were meant closed; mergekit's are half-open, so every run loses its last layer.

Source: Steel-skull/DLEC, commit f95b114.
"""

from collections.abc import Sequence

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import PlanError
from engine.plan.recipes.text import SliceText, plan_text

KEPT_SHARE = 0.05
"""Share of magnitudes above the threshold from which on a layer is kept."""
RUN = 4

_FAULTS = (
    "This rule duplicates nothing and drops the last layer of every run: ranges are half-open.",
    "It selects nearly every layer, from the first token alone. Compare it with the recipe dlec.",
)


def kept_layers(shares: Sequence[float]) -> list[int]:
    """The "beneficial" layers, given for each layer the share of magnitudes above its threshold."""
    return [layer for layer, share in enumerate(shares) if share >= KEPT_SHARE]


def write(checkpoint: Checkpoint, shares: Sequence[float]) -> str:
    """The plan's text. Raises PlanError when the rule keeps too few layers to name a range."""
    kept = kept_layers(shares)
    runs = [kept[at : at + RUN] for at in range(0, len(kept), RUN)]
    slices = [SliceText(run[0], run[-1], f"kept: {', '.join(map(str, run))}") for run in runs]
    if not any(slice_.end > slice_.start for slice_ in slices):
        raise PlanError("the original rule gives no layer here", why=f"it keeps {len(kept)} of {len(shares)} layers")
    title = [f"The original DLEC rule on {checkpoint.reference}: {len(kept)} layers kept.", *_FAULTS]
    return plan_text(title, checkpoint.reference, slices)
