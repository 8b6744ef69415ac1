"""closed-range: ranges look as if their end were inclusive.

Severity: warning

Why: The end of a range is exclusive: `[19, 19]` gives no layer, and `[0, 18]` ends with layer 17. A plan written with
inclusive ends runs, and silently loses a layer at every slice. The rule applies if the plan has gaps that disappear
when all ends are read as inclusive.

Source: the interleaved plan proposed for Tunguska 39B, `[0, 18]`, `[19, 19]`, `[19, 19]`, ...; LoopScope describes the
same trap. The layer maps of exllamav3 and llm-circuit-finder do include the end.

Example: `[0, 15]`, `[16, 31]` of 32 layers: as written, layers 15 and 31 are missing.

Fix: Add 1 to every end.
"""

from collections.abc import Sequence
from itertools import pairwise

from engine.plan.model import Slice
from engine.plan.problems import Change, Problem, Replacement, Severity
from engine.plan.rules.facts import Facts

SHOWN = 6
"""Maximum number of layers or slices that a message lists."""


def check(facts: Facts) -> list[Problem]:
    if not is_suspected(facts):
        return []
    slices = facts.plan.slices
    lost = _gaps(slices)
    empty = sum(slice_.length == 0 for slice_ in slices)
    symptoms = [
        f"{empty} of {len(slices)} slices give no layer" if empty else "",
        _in_words(lost),
    ]
    message = f"the ends look inclusive, but they are exclusive: {'; '.join(filter(None, symptoms))}"
    place = next((slice_ for slice_ in slices if slice_.length == 0), slices[0]).range_place
    fix = f"If the ends are meant to be inclusive, write {_meant(slices)}."
    return [Problem("closed-range", Severity.WARNING, message, place, fix, _change(slices))]


def _in_words(lost: Sequence[int]) -> str:
    if len(lost) == 1:
        return f"layer {lost[0]} is not used"
    more = ", ..." if len(lost) > SHOWN else ""
    return f"layers {', '.join(map(str, lost[:SHOWN]))}{more} are not used"


def is_suspected(facts: Facts) -> bool:
    """Return True if the plan has gaps that disappear when all ends are read as inclusive."""
    slices = facts.plan.slices
    depths = {facts.checkpoints[slice_.model].layer_count for slice_ in slices}
    if len(depths) > 1 or any(slice_.start > slice_.end or slice_.end >= max(depths) for slice_ in slices):
        return False
    begins_after = any(after.start == before.end + 1 for before, after in pairwise(slices))
    has_single = any(slice_.length == 0 for slice_ in slices[1:-1])
    meant = layers_meant(slices)
    return (begins_after or has_single) and bool(_gaps(slices)) and meant == set(range(len(meant)))


def layers_meant(slices: Sequence[Slice]) -> set[int]:
    """Return the layers of the slices with inclusive ends."""
    return {layer for slice_ in slices for layer in range(slice_.start, slice_.end + 1)}


def _gaps(slices: Sequence[Slice]) -> list[int]:
    """Return the layers below the highest end that no slice contains."""
    given = {layer for slice_ in slices for layer in range(slice_.start, slice_.end)}
    return [layer for layer in range(max(slice_.end for slice_ in slices)) if layer not in given]


def _change(slices: Sequence[Slice]) -> Change | None:
    """Return the change that adds 1 to every end; None if a range is shared with another slice."""
    spans = [(slice_.range_span, f"[{slice_.start}, {slice_.end + 1}]") for slice_ in slices]
    changed = tuple(Replacement(span, text) for span, text in spans if span is not None)
    return Change(changed, is_safe=False) if len(changed) == len(slices) else None


def _meant(slices: Sequence[Slice]) -> str:
    meant = [f"[{slice_.start}, {slice_.end + 1}]" for slice_ in slices]
    if len(meant) > SHOWN:
        meant = [*meant[: SHOWN - 1], "...", meant[-1]]
    return ", ".join(meant)
