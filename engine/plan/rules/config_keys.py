"""config-keys: a per-layer key of config.json cannot express the new stack.

Severity: error; note if a value had to be guessed

Why: Many families describe each layer in config.json: lists of layer types, thresholds, periods. dlec rewrites them for
the new stack. If no config can express it, or layers use what other layers computed (shared keys and values), the
result would not load, or would load with the wrong kind of layer. mergekit changes only the layer count.

Source: the configuration classes of transformers 5, each compared with the layers that it builds.

Example: any change of depth of a Gemma 3n, whose last layers reuse keys and values of earlier layers.

Fix: Follow the message. Models whose layers depend on each other cannot be stacked.
"""

from collections.abc import Iterator

from engine.errors import CheckpointError
from engine.plan.outputs import output_config
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    try:
        edit = output_config(facts.stack)
    except CheckpointError as error:
        yield Problem("config-keys", Severity.ERROR, error.line, fix=error.fix)
        return
    for note in edit.notes:
        yield Problem("config-keys", Severity.NOTE, note)
