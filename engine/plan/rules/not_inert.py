"""not-inert: a copy with zeroed tensors that still changes what passes through it.

Severity: warning

Why: A copy is inert, and leaves the model what it was, only if everything that it writes into the residual stream is
zero: the output projections of attention and MLP, and their biases. The names `o_proj` and `down_proj` are those of
Llama; GPT-2, Falcon, Phi and mixtures of experts have others, and a filter that misses one leaves a layer that does
half of its work twice. Zeroing only the weights of a tiny Llama with biases moved its logits by up to 0.56.

Source: LLaMA Pro (arXiv 2401.02415) and its scripts; the figure was measured for this project.

Example: `[31, 32]` once more with `scale: [{filter: o_proj, value: 0.0}]`: `mlp.down_proj.weight` still writes.

Remedy: Scale every tensor named in the message to 0.
"""

from collections import Counter
from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.stack import Visit


def check(facts: Facts) -> Iterator[Problem]:
    visits = facts.stack.visits
    counts = Counter((id(visit.checkpoint), visit.layer) for visit in visits)
    named: set[int] = set()
    for visit in visits:
        is_copied = counts[id(visit.checkpoint), visit.layer] > 1
        if is_copied and visit.slice_index not in named and facts.silence.is_half_silent(visit):
            named.add(visit.slice_index)
            yield _finding(facts, visit, facts.silence.speaking(visit))


def _finding(facts: Facts, visit: Visit, speaking: tuple[str, ...]) -> Problem:
    message = f"this copy of layer {visit.layer} is not inert: {', '.join(speaking)} still writes into the stream"
    modules = dict.fromkeys(suffix.rpartition(".")[0].rpartition(".")[2] for suffix in speaking)
    entries = ", ".join(f"{{filter: {module}, value: 0.0}}" for module in modules)
    fix = f"Add to its scale: {entries}."
    return Problem("not-inert", Severity.WARNING, message, facts.place_of(visit), fix)
