"""known-family: the installed transformers does not support the model type.

Severity: warning

Why: The layers can be stacked, but dlec cannot check that the result loads.

Source: the model types of the installed transformers.

Example: `"model_type": "brandnew"` in config.json.

Fix: Update transformers, or check the result on a machine that supports the model.
"""

from collections.abc import Iterator

from engine.checkpoint.load_check import is_known_family
from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    model_type = str(facts.stack.config_donor.config.data.get("model_type", ""))
    if not is_known_family(model_type):
        message = f"the installed transformers does not support `{shown(model_type)}`: no load check is possible"
        place = facts.plan.slices[0].model_place
        yield Problem(
            "known-family", Severity.WARNING, message, place, "Update transformers, or check the result elsewhere."
        )
