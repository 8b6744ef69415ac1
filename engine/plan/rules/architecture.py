"""architecture: the checkpoints of a stack differ in family, width, heads, rope or norms.

Severity: error for settings that shape tensors; warning for rope, norm epsilon and window

Why: One config applies to all layers of the new model. Layers of another width do not load; layers with another number
of heads load and compute nonsense; layers trained with another rope or another epsilon run with values that they were
not trained with.

Source: mergekit writes such mixtures without a warning (verified by running it).

Example: slices of a Llama 2 (`rope_theta` 10000) and a Llama 3 (500000).

Fix: Stack checkpoints of one base model, or take the config from the one that gives most layers (`base_model`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Position
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

Decoder: TypeAlias = Mapping[str, Any]
"""Decoder section of a config.json."""

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
"""Keys with one value for all layers of the new model: all sources must agree."""

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
"""Keys that may differ; the config donor's value then applies to every layer."""


def check(facts: Facts) -> Iterator[Problem]:
    donor = facts.stack.config_donor
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        if checkpoint is not donor:
            yield from _compare(checkpoint, donor, place)


def _compare(checkpoint: Checkpoint, donor: Checkpoint, place: Position) -> Iterator[Problem]:
    if checkpoint.config.model_type != donor.config.model_type:
        message = (
            f"{checkpoint.reference} has model type {shown(checkpoint.config.model_type)}, "
            f"{donor.reference} has {shown(donor.config.model_type)}: their layers cannot be combined"
        )
        yield Problem("architecture", Severity.ERROR, message, place, "Stack checkpoints of one family.")
        return
    for severity, keys in ((Severity.ERROR, SHAPING_KEYS), (Severity.WARNING, TUNING_KEYS)):
        for key in keys:
            theirs, ours = _value(checkpoint, key), _value(donor, key)
            if theirs != ours:
                message = (
                    f"`{key}` is {shown(theirs)} in {checkpoint.reference}, but {shown(ours)} in {donor.reference}, "
                    "which provides the config"
                )
                yield Problem("architecture", severity, message, place)


def _value(checkpoint: Checkpoint, key: str) -> Any:
    """Return the value of a key, also from its newer name or the family's default."""
    decoder = checkpoint.config.decoder
    value = decoder.get(key)
    if value is None and key in _FALLBACKS:
        value = _FALLBACKS[key](decoder)
    return None if isinstance(value, list) else value


def _rope_theta(decoder: Decoder) -> Any:
    """Return the base from `rope_parameters`, where transformers 5 stores it."""
    return _rope_parameters(decoder).get("rope_theta")


def _rope_scaling(decoder: Decoder) -> Any:
    """Return the rope parameters without the default type and without the base, which has its own key."""
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


_FALLBACKS: Mapping[str, Callable[[Decoder], Any]] = {
    "rope_theta": _rope_theta,
    "rope_scaling": _rope_scaling,
    "num_key_value_heads": _key_value_heads,
    "head_dim": _head_dim,
}
"""Fallbacks for keys without a value."""
