"""not-inert: a copy with zeroed tensors still changes the residual stream.

Severity: warning; note where it could not be tried

Why: A copy is inert, and the model unchanged, only if everything that it writes into the residual stream is zero: the
output projections of attention and MLP, and their biases. `o_proj` and `down_proj` are Llama's names; GPT-2, Falcon,
Phi and mixtures of experts use others, and a filter that misses one leaves a layer that still writes half of its
output. Zeroing only the weights of a tiny Llama with biases changed its logits by up to 0.56. In some families no zero
makes a copy inert: identity experts (LongCat-Flash) pass the stream on whatever the projections are. If transformers is
installed, a small model of the family with a zeroed copy is compared with the same model without it, once per config.

Source: LLaMA Pro (arXiv 2401.02415) and its scripts; the number was measured for this project.

Example: `[31, 32]` repeated with `scale: [{filter: o_proj, value: 0.0}]`: `mlp.down_proj.weight` still writes.

Fix: Scale every tensor named in the message to 0.
"""

from collections import Counter
from collections.abc import Iterator

from engine.errors import CheckpointError
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, Inertness
from engine.plan.rules.inert_slices import has_zero
from engine.plan.stack import Visit


def check(facts: Facts) -> Iterator[Problem]:
    visits = facts.stack.visits
    counts = Counter((id(visit.checkpoint), visit.layer) for visit in visits)
    named: set[int] = set()
    for visit in visits:
        is_copied = counts[id(visit.checkpoint), visit.layer] > 1
        if is_copied and has_zero(visit) and visit.slice_index not in named and (problem := _finding(facts, visit)):
            named.add(visit.slice_index)
            yield problem


def _finding(facts: Facts, visit: Visit) -> Problem | None:
    if facts.inert_slices.is_partly_inert(visit):
        return _partly_inert(facts, visit, facts.inert_slices.active_writers(visit))
    trial = _trial(facts, visit)
    if trial.reason:
        message = f"this copy of layer {visit.layer} is not inert: {trial.reason}"
        fix = "Train the new model before you use it, or remove the copy: no scale makes it inert."
        return Problem("not-inert", Severity.WARNING, message, facts.place_of(visit), fix)
    if trial.unknown:
        message = f"dlec cannot check whether this copy of layer {visit.layer} is inert: {trial.unknown}"
        fix = "Compare the plan with its base before you use it: dlec preview."
        return Problem("not-inert", Severity.NOTE, message, facts.place_of(visit), fix)
    return None


def _trial(facts: Facts, visit: Visit) -> Inertness:
    is_inert = facts.inert_slices.is_inert(visit)
    return facts.context.inertness(visit.checkpoint) if is_inert else Inertness(_unknown_family(facts, visit))


def _unknown_family(facts: Facts, visit: Visit) -> str:
    """Return why dlec does not know what makes the layer inert; "" if it knows, or if another rule reports it."""
    try:
        facts.residual.norms_after(visit.checkpoint, visit.layer)
    except CheckpointError:
        return ""
    try:
        facts.residual.writers(visit.checkpoint, visit.layer)
    except CheckpointError as error:
        return error.why
    return ""


def _partly_inert(facts: Facts, visit: Visit, active: tuple[str, ...]) -> Problem:
    message = (
        f"this copy of layer {visit.layer} is not inert: {', '.join(active)} still writes into the residual stream"
    )
    modules = dict.fromkeys(suffix.rpartition(".")[0].rpartition(".")[2] for suffix in active)
    entries = ", ".join(f"{{filter: {module}, value: 0.0}}" for module in modules)
    fix = f"Add to its scale: {entries}."
    return Problem("not-inert", Severity.WARNING, message, facts.place_of(visit), fix)
