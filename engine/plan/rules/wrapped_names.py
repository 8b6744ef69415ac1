"""wrapped-names: a checkpoint whose tensors have the names of a training tool's wrapper.

Severity: note

Why: torch.compile, DDP, FSDP, PEFT and Lightning wrap a module of their own around a model or its blocks; a state dict
saved as it is has `_orig_mod.` or `module.` in its names, and transformers finds none of its tensors. dlec reads and
writes the names without them, so that the new model loads.

Source: issues of nanoGPT, prime-rl and others; rebuilt for this project.

Example: `_orig_mod.model.layers.0.mlp.up_proj.weight`.

Remedy: None is needed here; the source itself loads elsewhere only after its tensors are renamed.
"""

from collections.abc import Iterator

from engine.checkpoint.wrappers import wrapping_of
from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        wrapped, count = wrapping_of(facts.checkpoints[reference].tensors.values())
        if wrapped:
            message = (
                f"{count} tensors of {reference} have the names of a training wrapper ({shown(wrapped)}): "
                "the new model is written without them"
            )
            yield Problem("wrapped-names", Severity.NOTE, message, place)
