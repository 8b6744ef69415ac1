"""added-features: image features are added at other layers than in training.

Severity: warning

Why: Models with deepstack (Qwen3-VL, Qwen3-Omni, Granite 4 Vision) add features of the vision tower after their lowest
decoder layers, selected by layer number. A plan that repeats, drops or shifts one of these layers moves the features to
another layer. Text is not affected, so the defect shows only with an image as input.

Source: measured for this project: inert copies after layers 0 to 2 of a tiny Qwen3-VL did not change its logits for
text, and changed those for an image by 0.68.

Example: `[0, 2]`, then `[1, 36]` of a Qwen3-VL, which adds features after layers 0, 1 and 2.

Fix: Keep the lowest layers unchanged and in order; repeat or drop layers above them.
"""

from collections.abc import Iterator

from engine.checkpoint.layer_keys.refusals import layers_in_place
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.stack import Visit


def check(facts: Facts) -> Iterator[Problem]:
    stack = facts.stack
    fixed = layers_in_place(stack.config_donor.config)
    moved = _first_moved(facts, fixed) if fixed else None
    if moved is None:
        return
    lowest = "layer 0" if fixed == 1 else f"layers 0 to {fixed - 1}"
    message = f"{stack.config_donor.reference} adds image features at {lowest}, but {moved}"
    fix = f"Keep the lowest {fixed} layers unchanged and in order, or use the result only for text."
    yield Problem("added-features", Severity.WARNING, message, facts.plan.slices[0].range_place, fix)


def _first_moved(facts: Facts, fixed: int) -> str | None:
    visits = facts.stack.visits
    for place in range(fixed):
        if place >= len(visits):
            return f"the new model ends before layer {place}"
        if visits[place].layer != place:
            return f"layer {place} of the new model is layer {visits[place].layer}"
    again = next(
        (visit for visit in visits[fixed:] if visit.layer < fixed and not facts.inert_slices.is_inert(visit)), None
    )
    return None if again is None else _without_features(again)


def _without_features(visit: Visit) -> str:
    return f"layer {visit.layer} is repeated without its features"
