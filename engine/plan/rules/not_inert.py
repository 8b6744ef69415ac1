"""not-inert: a copy with zeroed tensors that still changes what passes through it.

Severity: warning; note where it could not be tried

Why: A copy is inert, and leaves the model what it was, only if everything that it writes into the residual stream is
zero: the output projections of attention and MLP, and their biases. The names `o_proj` and `down_proj` are those of
Llama; GPT-2, Falcon, Phi and mixtures of experts have others, and a filter that misses one leaves a layer that does
half of its work twice. Zeroing only the weights of a tiny Llama with biases moved its logits by up to 0.56. In some
families no zero makes a copy inert: identity experts (LongCat-Flash) pass the stream on whatever the projections are.
Where transformers is installed, a small model of the family with a silenced copy is compared with the same model
without it, once for each config.

Source: LLaMA Pro (arXiv 2401.02415) and its scripts; the figure was measured for this project.

Example: `[31, 32]` once more with `scale: [{filter: o_proj, value: 0.0}]`: `mlp.down_proj.weight` still writes.

Remedy: Scale every tensor named in the message to 0.
"""

from collections import Counter
from collections.abc import Iterator

from engine.errors import CheckpointError
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts, Inertness
from engine.plan.rules.silence import has_zero
from engine.plan.stack import Visit


def check(facts: Facts) -> Iterator[Problem]:
    visits = facts.stack.visits
    counts = Counter((id(visit.checkpoint), visit.layer) for visit in visits)
    named: set[int] = set()
    for visit in visits:
        is_copied = counts[id(visit.checkpoint), visit.layer] > 1
        if is_copied and has_zero(visit) and visit.slice_index not in named and (found := _finding(facts, visit)):
            named.add(visit.slice_index)
            yield found


def _finding(facts: Facts, visit: Visit) -> Problem | None:
    if facts.silence.is_half_silent(visit):
        return _half_silent(facts, visit, facts.silence.speaking(visit))
    found = _trial(facts, visit)
    if found.reason:
        message = f"this copy of layer {visit.layer} is not inert: {found.reason}"
        fix = "No scale undoes what it changes: train the new model before it is used, or leave the copy out."
        return Problem("not-inert", Severity.WARNING, message, facts.place_of(visit), fix)
    if found.unknown:
        message = f"it is not known whether this copy of layer {visit.layer} is inert: {found.unknown}"
        fix = "Compare the plan with its base before you rely on it: dlec preview."
        return Problem("not-inert", Severity.NOTE, message, facts.place_of(visit), fix)
    return None


def _trial(facts: Facts, visit: Visit) -> Inertness:
    is_inert = facts.silence.is_inert(visit)
    return facts.circumstances.inertness(visit.checkpoint) if is_inert else Inertness(_unknown(facts, visit))


def _unknown(facts: Facts, visit: Visit) -> str:
    """Why nobody can tell what makes the layer inert; "" where that is known, or refused by another rule."""
    try:
        facts.writing.norms_behind(visit.checkpoint, visit.layer)
    except CheckpointError:
        return ""
    try:
        facts.writing.writers(visit.checkpoint, visit.layer)
    except CheckpointError as error:
        return error.why
    return ""


def _half_silent(facts: Facts, visit: Visit, speaking: tuple[str, ...]) -> Problem:
    message = f"this copy of layer {visit.layer} is not inert: {', '.join(speaking)} still writes into the stream"
    modules = dict.fromkeys(suffix.rpartition(".")[0].rpartition(".")[2] for suffix in speaking)
    entries = ", ".join(f"{{filter: {module}, value: 0.0}}" for module in modules)
    fix = f"Add to its scale: {entries}."
    return Problem("not-inert", Severity.WARNING, message, facts.place_of(visit), fix)
