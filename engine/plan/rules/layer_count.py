"""layer-count: the weights have more layers than the config says.

Severity: error

Why: Readers ignore the layers beyond the count, so a stack of them would not contain what the plan says. mergekit
writes such files for families that it does not know.

Source: mergekit on SmolLM3, Olmo3, GPT-OSS and others, verified by running it.

Example: config.json says `"num_hidden_layers": 36`, the weights have 40 layers.

Fix: Correct the count in config.json, or use another copy.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        count, unannounced = checkpoint.layer_count, checkpoint.unannounced_layers
        if unannounced:
            message = f"config.json of {reference} says {count} layers, but the weights have {count + unannounced}"
            fix = "Correct the layer count in config.json, or use another copy."
            yield Problem("layer-count", Severity.ERROR, message, place, fix)
