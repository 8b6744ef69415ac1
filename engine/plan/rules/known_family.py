"""known-family: a model type that the installed transformers does not know.

Severity: warning

Why: The bytes can be stacked all the same, but nobody can tell here whether the result loads.

Source: the list of families in the installed transformers.

Example: `"model_type": "brandnew"` in config.json.

Remedy: Update transformers, or check the result where that model is known.
"""

from collections.abc import Iterator

from engine.checkpoint.load_check import is_known_family
from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    model_type = str(facts.stack.config_donor.config.data.get("model_type", ""))
    if not is_known_family(model_type):
        message = f"transformers here does not know the model type `{shown(model_type)}`: no load check is possible"
        place = facts.plan.slices[0].model_place
        yield Problem("known-family", Severity.WARNING, message, place, "Update transformers, or check it elsewhere.")
