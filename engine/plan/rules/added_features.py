"""added-features: image features that are added at other layers than the ones they were trained at.

Severity: warning

Why: Models with deepstack (Qwen3-VL, Qwen3-Omni, Granite 4 Vision) add features of the vision tower between their
lowest decoder layers, and know these by their numbers. A plan that repeats, drops or shifts one of them moves the
features to another layer. Text is not affected, so that nothing shows until the model is given an image.

Source: measured for this project: inert copies behind layers 0 to 2 of a tiny Qwen3-VL left its logits for text as they
were, and moved those for an image by 0.68.

Example: `[0, 2]` and then `[1, 36]` of a Qwen3-VL, whose features are added behind layers 0, 1 and 2.

Remedy: Leave the lowest layers alone, in their order; repeat or drop layers above them.
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
    message = f"{stack.config_donor.reference} adds image features at {lowest} by their numbers: here {moved}"
    fix = f"Leave the lowest {fixed} layers alone and in their order, or use the result for text alone."
    yield Problem("added-features", Severity.WARNING, message, facts.plan.slices[0].range_place, fix)


def _first_moved(facts: Facts, fixed: int) -> str | None:
    visits = facts.stack.visits
    for place in range(fixed):
        if place >= len(visits):
            return f"the new model ends before layer {place}"
        if visits[place].layer != place:
            return f"layer {place} of the new model is layer {visits[place].layer}"
    again = next((visit for visit in visits[fixed:] if visit.layer < fixed and not facts.silence.is_inert(visit)), None)
    return None if again is None else _without_features(again)


def _without_features(visit: Visit) -> str:
    return f"layer {visit.layer} occurs again, without its features"
