"""config-keys: a per-layer key of config.json that cannot express the new depth.

Severity: error; warning where an unknown key may number layers; note where a value had to be guessed

Why: Many families say of each layer what it is: lists of layer types, thresholds, periods. dlec rewrites them for the
new stack. Where no config can express it, or layers use what other layers computed (shared keys and values), the
result would not load, or load with the wrong kind of layer in the wrong place. mergekit writes the layer count alone.
An unknown key such as `first_moe_layer: 3` is copied, with a warning where its name and value may be about layers.

Source: the configuration classes of transformers 5, each checked against what they make up.

Example: any change of depth of a Gemma 3n, whose last layers take keys and values from earlier ones.

Remedy: That of the message; models whose layers depend on each other cannot be stacked.
"""

from collections.abc import Iterator

from engine.errors import CheckpointError
from engine.plan.outputs import output_config
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

_LOOK = "Look it up in the model's code; where it numbers layers, correct it in the new config.json."


def check(facts: Facts) -> Iterator[Problem]:
    try:
        edit = output_config(facts.stack)
    except CheckpointError as error:
        yield Problem("config-keys", Severity.ERROR, error.line, fix=error.fix)
        return
    for warning in edit.warnings:
        yield Problem("config-keys", Severity.WARNING, warning, fix=_LOOK)
    for note in edit.notes:
        yield Problem("config-keys", Severity.NOTE, note)
