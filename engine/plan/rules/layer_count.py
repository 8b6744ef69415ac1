"""layer-count: a checkpoint whose weights have more layers than its config says.

Severity: error

Why: Readers ignore the layers beyond the count, so a stack of them would not be what it seems. mergekit leaves such
files behind when it does not know a family.

Source: mergekit on SmolLM3, Olmo3, GPT-OSS and others, checked by running it.

Example: config.json says `"num_hidden_layers": 36`, the weights have 40 layers.

Remedy: Correct the count in config.json, or use another copy.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        count, unannounced = checkpoint.layer_count, checkpoint.unannounced_layers
        if unannounced:
            message = f"the config of {reference} says {count} layers, its weights have {count + unannounced}"
            fix = "Correct the layer count in its config.json, or use another copy."
            yield Problem("layer-count", Severity.ERROR, message, place, fix)
