"""leftover-adapter: an adapter next to full weights.

Severity: note

Why: Trainers leave `adapter_config.json` next to the weights into which they merged the adapter. With peft installed,
transformers applies the adapter a second time, or fails because its weights are missing. The new checkpoint, its
preview and its measurements use the full weights only; the adapter's files are not copied.

Source: huggingface/peft issue 1381 and huggingface/transformers issue 43781, verified by running both.

Example: `adapter_config.json` and `adapter_model.safetensors` next to `model.safetensors`.

Fix: Nothing to do if the adapter is merged into the weights. If it is not, merge it first (peft: `merge_and_unload`).
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

ADAPTER_CONFIG = "adapter_config.json"


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        if (facts.checkpoints[reference].directory / ADAPTER_CONFIG).is_file():
            message = f"the adapter next to the weights of {reference} is not part of the new model"
            fix = "Merge the adapter first if these weights do not include it yet (peft: merge_and_unload)."
            yield Problem("leftover-adapter", Severity.NOTE, message, place, fix)
