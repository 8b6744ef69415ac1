"""packed-layers: a tensor outside the layers contains a part for each layer.

Severity: error; warning if only the shape suggests it

Why: Gemma 3n and 4 store the per-layer embeddings of all layers side by side in one matrix. Another stack of layers
needs this matrix cut and rearranged, which dlec does not do; unchanged, it would not fit the new depth, or give layers
the embeddings of others. Models with custom code also store gains or mixing factors of all layers in one vector, or in
a numbered list outside the layers.

Source: the shapes of `embed_tokens_per_layer` and `per_layer_model_projection` in transformers' classes.

Example: any plan except `[0, N]` of a Gemma 4 with `hidden_size_per_layer_input`.

Fix: Use a model without per-layer embeddings.
"""

import re
from collections import Counter
from collections.abc import Iterator

from engine.checkpoint.anatomy import End, is_of_other_tower
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

_NAME = "per_layer"
_WIDTH_KEY = "hidden_size_per_layer_input"
_OF_LIST = re.compile(r"(.+)\.(0|[1-9]\d*)")


def check(facts: Facts) -> Iterator[Problem]:
    stack, donor = facts.stack, facts.stack.config_donor
    is_whole = [(visit.checkpoint, visit.layer) for visit in stack.visits] == [
        (donor, layer) for layer in range(donor.layer_count)
    ]
    packed = () if is_whole else _packed(donor)
    if packed:
        message = (
            f"{shown(packed[0])} of {donor.reference} contains a part for each of its {donor.layer_count} layers: "
            "it does not fit another stack"
        )
        fix = "Use a model without per-layer embeddings."
        yield Problem("packed-layers", Severity.ERROR, message, facts.plan.slices[0].model_place, fix)
    elif not is_whole and not facts.is_opened(donor) and (name := next(_one_each(donor), "")):
        message = (
            f"{shown(name)} of {donor.reference} seems to contain a part for each of its {donor.layer_count} layers"
        )
        fix = "Check whether it belongs to the layers: dlec copies it unchanged."
        yield Problem("packed-layers", Severity.WARNING, message, facts.plan.slices[0].model_place, fix)


def _one_each(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield tensors outside the layers with one row or one member per layer."""
    carried = [name for name in checkpoint.anatomy.names_of_end(End.CARRIED) if not is_of_other_tower(name)]
    yield from (name for name in carried if checkpoint.tensors[name].shape[:1] == (checkpoint.layer_count,))
    members = Counter(match[1] for name in carried if (match := _OF_LIST.fullmatch(name)))
    yield from (f"{name}.N" for name, count in members.items() if count == checkpoint.layer_count)


def _packed(checkpoint: Checkpoint) -> tuple[str, ...]:
    width = checkpoint.config.decoder.get(_WIDTH_KEY)
    if not isinstance(width, int) or width <= 0:
        return ()
    packed = checkpoint.layer_count * width
    return tuple(name for name in checkpoint.anatomy.ends if _NAME in name and packed in checkpoint.tensors[name].shape)
