"""architecture: checkpoints of one stack that differ in family, width, heads, positions or norms.

Severity: error for what shapes the tensors; warning for rope, norm eps and window

Why: One config serves all layers of the new model. Layers of another width do not load; layers with another number of
heads load and compute nonsense; layers trained with another rope or another epsilon run with values that they were not
trained with.

Source: mergekit writes such mixtures without a word, checked by running it.

Example: slices of a Llama 2 (`rope_theta` 10000) and of a Llama 3 (500000).

Remedy: Stack checkpoints of one base model, or take the config from the one that gives most layers (`base_model`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Position
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

Decoder: TypeAlias = Mapping[str, Any]
"""The decoder's part of a config.json."""

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

TUNING_KEYS = (
    "rope_theta",
    "rope_scaling",
    "partial_rotary_factor",
    "rms_norm_eps",
    "layer_norm_eps",
    "layer_norm_epsilon",
    "norm_epsilon",
    "sliding_window",
)
"""A difference runs, with the config donor's value for every layer."""


def check(facts: Facts) -> Iterator[Problem]:
    donor = facts.stack.config_donor
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        if checkpoint is not donor:
            yield from _compare(checkpoint, donor, place)


def _compare(checkpoint: Checkpoint, donor: Checkpoint, place: Position) -> Iterator[Problem]:
    if checkpoint.config.model_type != donor.config.model_type:
        message = (
            f"{checkpoint.reference} is a {shown(checkpoint.config.model_type)}, "
            f"{donor.reference} a {shown(donor.config.model_type)}: their layers do not fit one model"
        )
        yield Problem("architecture", Severity.ERROR, message, place, "Stack checkpoints of one family.")
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
    """What the config says under a key, by whichever name and default its family reads it."""
    decoder = checkpoint.config.decoder
    value = decoder.get(key)
    if value is None and key in _OTHERWISE:
        value = _OTHERWISE[key](decoder)
    return None if isinstance(value, list) else value


def _rope_theta(decoder: Decoder) -> Any:
    """transformers 5 keeps it among the other parameters of the rope."""
    return _rope_parameters(decoder).get("rope_theta")


def _rope_scaling(decoder: Decoder) -> Any:
    """Without what says nothing: the default type, and the base that has a key of its own."""
    rest = {key: value for key, value in _rope_parameters(decoder).items() if key != "rope_theta"}
    return None if rest.get("rope_type", "default") == "default" else rest


def _rope_parameters(decoder: Decoder) -> Mapping[str, Any]:
    parameters = decoder.get("rope_parameters")
    return parameters if isinstance(parameters, Mapping) else {}


def _key_value_heads(decoder: Decoder) -> Any:
    return decoder.get("num_attention_heads")


def _head_dim(decoder: Decoder) -> Any:
    width, heads = decoder.get("hidden_size"), decoder.get("num_attention_heads")
    return width // heads if isinstance(width, int) and isinstance(heads, int) and heads else None


_OTHERWISE: Mapping[str, Callable[[Decoder], Any]] = {
    "rope_theta": _rope_theta,
    "rope_scaling": _rope_scaling,
    "num_key_value_heads": _key_value_heads,
    "head_dim": _head_dim,
}
"""Where a value stands, or what it is, when its own key has none."""
