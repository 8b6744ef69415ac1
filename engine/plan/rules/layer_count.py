"""layer-count: a checkpoint whose weights have more layers than its config says.

Readers ignore the layers beyond the count, so a stack of them would not be what it seems. mergekit leaves such files
behind when it does not know a family.
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
