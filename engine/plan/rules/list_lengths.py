"""list-lengths: a list of config.json with more entries than the model has layers.

Severity: error for the lists that transformers compares with the depth; warning for others

Why: Some configs list the layers of a prediction head too, without announcing it, or were cut by hand. transformers
refuses a config whose `layer_types` is not as long as the model is deep, and the new model's has the same surplus.

Source: Step-3.5-Flash (NeMo Automodel #1916); transformers' validation of its configs.

Example: 48 entries in `layer_types`, `"num_hidden_layers": 45`, and nothing that announces three layers more.

Remedy: Cut the list to the number of layers in a copy of config.json.
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
            continue  # transformers has judged them
        is_known = is_known_family(checkpoint.config.model_type)
        for key, surplus in checkpoint.surplus_of_lists.items():
            count = checkpoint.layer_count
            message = f"config.json of {reference} has {count + surplus} entries in `{shown(key)}` for {count} layers"
            severity = Severity.ERROR if key in _COMPARED and is_known else Severity.WARNING
            fix = f"Cut the list to {count} entries in a copy of config.json."
            yield Problem("list-lengths", severity, message, place, fix)
