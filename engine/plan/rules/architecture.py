"""architecture: every checkpoint of a stack is of one family and one width.

mergekit writes such mixtures without a word; they fail at load, or worse, run with the wrong number of heads.
"""

from collections.abc import Iterator
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Place
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

SHAPING_KEYS = (
    "hidden_size",
    "n_embd",
    "intermediate_size",
    "num_attention_heads",
    "n_head",
    "num_key_value_heads",
    "head_dim",
    "num_local_experts",
    "num_experts",
    "num_experts_per_tok",
    "hidden_act",
    "hidden_activation",
)
"""One value serves all layers of the new model, so all sources must agree."""

TUNING_KEYS = ("rope_theta", "rope_scaling", "rope_parameters", "rms_norm_eps", "layer_norm_eps", "sliding_window")
"""A difference runs, with the config donor's value for every layer."""


def check(facts: Facts) -> Iterator[Problem]:
    donor = facts.stack.config_donor
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        if checkpoint is not donor:
            yield from _compare(checkpoint, donor, place)


def _compare(checkpoint: Checkpoint, donor: Checkpoint, place: Place) -> Iterator[Problem]:
    if checkpoint.config.model_type != donor.config.model_type:
        message = (
            f"{checkpoint.reference} is a {shown(checkpoint.config.model_type)}, "
            f"{donor.reference} a {shown(donor.config.model_type)}: their layers do not fit one model"
        )
        yield Problem("architecture", Severity.ERROR, message, place)
        return
    for severity, keys in ((Severity.ERROR, SHAPING_KEYS), (Severity.WARNING, TUNING_KEYS)):
        for key in keys:
            theirs, ours = _value(checkpoint, key), _value(donor, key)
            if theirs != ours:
                message = (
                    f"`{key}` is {shown(theirs)} in {checkpoint.reference} and {shown(ours)} in {donor.reference}, "
                    "which gives the config"
                )
                yield Problem("architecture", severity, message, place)


def _value(checkpoint: Checkpoint, key: str) -> Any:
    value = checkpoint.config.decoder.get(key)
    return None if isinstance(value, list) else value
