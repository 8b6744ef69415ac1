"""wrapped-names: the tensor names contain the prefix of a training wrapper.

Severity: note

Why: torch.compile, DDP, FSDP, PEFT and Lightning wrap a model or its blocks in a module of their own; a state dict
saved from the wrapper has `_orig_mod.` or `module.` in its names, and transformers finds none of its tensors. dlec
reads and writes the names without the prefix, so that the new model loads.

Source: issues of nanoGPT, prime-rl and others, reproduced for this project.

Example: `_orig_mod.model.layers.0.mlp.up_proj.weight`.

Fix: Nothing to do. To load the source itself, rename its tensors.
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
                f"{count} tensor names of {reference} contain the prefix of a training wrapper ({shown(wrapped)}); "
                "the new model is written without it"
            )
            yield Problem("wrapped-names", Severity.NOTE, message, place)
