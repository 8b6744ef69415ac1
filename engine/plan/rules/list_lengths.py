"""list-lengths: a list in config.json has more entries than the model has layers.

Severity: error for the lists that transformers compares with the depth; warning for others

Why: Some configs also list the layers of a prediction head without declaring it, or were edited by hand. transformers
rejects a config whose `layer_types` is not as long as the model is deep, and the new model would have the same surplus.

Source: Step-3.5-Flash (NeMo Automodel #1916); transformers' validation of its configs.

Example: 48 entries in `layer_types`, `"num_hidden_layers": 45`, and no key that declares three more layers.

Fix: Cut the list to the number of layers in a copy of config.json.
"""

from collections.abc import Iterator

from engine.checkpoint.load_check import is_known_family
from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

_COMPARED = ("layer_types", "mlp_layer_types")


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        if facts.is_opened(checkpoint):
            continue  # transformers has validated them
        is_known = is_known_family(checkpoint.config.model_type)
        for key, surplus in checkpoint.surplus_of_lists.items():
            count = checkpoint.layer_count
            message = f"config.json of {reference} has {count + surplus} entries in `{shown(key)}`, but {count} layers"
            severity = Severity.ERROR if key in _COMPARED and is_known else Severity.WARNING
            fix = f"Cut the list to {count} entries in a copy of config.json."
            yield Problem("list-lengths", severity, message, place, fix)
