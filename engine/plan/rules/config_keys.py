"""config-keys: a per-layer key of config.json cannot express the new stack.

Severity: error; warning for an unknown key that may number layers; note if a value had to be guessed

Why: Many families describe each layer in config.json: lists of layer types, thresholds, periods. dlec rewrites them for
the new stack. If no config can express it, or layers use what other layers computed (shared keys and values), the
result would not load, or would load with the wrong kind of layer. mergekit changes only the layer count. An unknown key
such as `first_moe_layer: 3` is copied, with a warning if its name and value suggest layers.

Source: the configuration classes of transformers 5, each compared with the layers that it builds.

Example: any change of depth of a Gemma 3n, whose last layers reuse keys and values of earlier layers.

Fix: Follow the message. Models whose layers depend on each other cannot be stacked.
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
