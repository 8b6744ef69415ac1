"""config-keys: a per-layer key of config.json that cannot express the new depth.

mergekit writes the layer count and nothing else; the result then does not load, or loads with the wrong kind of
layer in the wrong place.
"""

from collections.abc import Iterator

from engine.checkpoint.layer_keys import edited_config
from engine.errors import CheckpointError
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    stack = facts.stack
    visits = [(visit.checkpoint.config, visit.layer) for visit in stack.visits]
    try:
        edit = edited_config(stack.config_donor.config, visits)
    except CheckpointError as error:
        yield Problem("config-keys", Severity.ERROR, error.line, fix=error.fix)
        return
    for note in edit.notes:
        yield Problem("config-keys", Severity.NOTE, note)
