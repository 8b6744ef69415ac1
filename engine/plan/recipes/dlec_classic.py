"""dlec-classic: the rule of the original DLEC (Steelskull, March 2024), for comparison with `dlec`.

It keeps a layer if at least 5 % of its activation magnitudes exceed a threshold, and writes the kept layers in runs of
four. Known defects:

1. It reads only the first token. With a BOS token that is the same for every text; here it is the token after BOS.
2. The threshold compares a histogram bin (0 to 1) with a z-score, so nearly every layer is kept.
3. It takes hidden state l for layer l: layer 0 is the embedding.
4. It duplicates nothing: the slices are disjoint, and layers that are not kept are removed.
5. It writes inclusive ranges; mergekit's ends are exclusive, so every run loses its last layer.

Source: Steel-skull/DLEC, commit f95b114.
"""

from collections.abc import Sequence

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import PlanError
from engine.plan.recipes.text import SliceText, plan_text

KEPT_SHARE = 0.05
"""Minimum share of magnitudes above the threshold for a layer to be kept."""
RUN = 4

_FAULTS = (
    "This rule duplicates nothing and loses the last layer of every run, because ends are exclusive.",
    "It keeps nearly every layer, from the first token alone. Compare it with the recipe dlec.",
)


def kept_layers(shares: Sequence[float]) -> list[int]:
    """Return the kept layers, from the share of magnitudes above the threshold for each layer."""
    return [layer for layer, share in enumerate(shares) if share >= KEPT_SHARE]


def write(checkpoint: Checkpoint, shares: Sequence[float]) -> str:
    """Return the plan's text. Raises PlanError if the rule keeps too few layers for a range."""
    kept = kept_layers(shares)
    runs = [kept[at : at + RUN] for at in range(0, len(kept), RUN)]
    slices = [SliceText(run[0], run[-1], f"kept: {', '.join(map(str, run))}") for run in runs]
    if not any(slice_.end > slice_.start for slice_ in slices):
        raise PlanError(
            "the original DLEC rule keeps no layer of this model", why=f"it keeps {len(kept)} of {len(shares)} layers"
        )
    title = [f"The original DLEC rule on {checkpoint.reference}: {len(kept)} layers kept.", *_FAULTS]
    return plan_text(title, checkpoint.reference, slices)
