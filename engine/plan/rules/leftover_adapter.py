"""leftover-adapter: an adapter that lies beside full weights.

Severity: note

Why: Trainers leave `adapter_config.json` beside the weights into which they merged the adapter. Where peft is
installed, transformers then puts the adapter on once more, or fails for want of its weights. The new checkpoint is made
of the full weights alone, and so are its preview and its measurements; the adapter's files are not copied.

Source: huggingface/peft issue 1381 and huggingface/transformers issue 43781, checked by running both.

Example: `adapter_config.json` and `adapter_model.safetensors` beside `model.safetensors`.

Remedy: None, where the adapter was merged into the weights. Where it was not, merge it first (peft:
`merge_and_unload`).
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

ADAPTER_CONFIG = "adapter_config.json"


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        if (facts.checkpoints[reference].directory / ADAPTER_CONFIG).is_file():
            message = f"an adapter lies beside the weights of {reference}: it is not part of the new model"
            fix = "If it is not merged into these weights yet, merge it first (peft: merge_and_unload)."
            yield Problem("leftover-adapter", Severity.NOTE, message, place, fix)
