"""packed-layers: a tensor outside the layers that holds a part for each layer.

Severity: error; warning where the shape alone suggests it

Why: Gemma 3n and 4 keep the embeddings that each layer gets for itself side by side in one matrix. A stack of other
layers needs that matrix cut and put together anew, which dlec does not do; as it is, it would not fit the new depth, or
give layers the embeddings of others. Models with code of their own also keep gains or mixing factors of all layers in
one vector, or in a numbered list beside the layers.

Source: the shapes of `embed_tokens_per_layer` and `per_layer_model_projection` in transformers' classes.

Example: any plan but `[0, N]` of a Gemma 4 with `hidden_size_per_layer_input`.

Remedy: Use a model without embeddings for each layer.
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
            f"{donor.reference} keeps a part for each of its {donor.layer_count} layers in {shown(packed[0])}: "
            "it does not fit another stack of layers"
        )
        fix = "Use a model without embeddings for each layer."
        yield Problem("packed-layers", Severity.ERROR, message, facts.plan.slices[0].model_place, fix)
    elif not is_whole and not facts.is_opened(donor) and (name := next(_one_each(donor), "")):
        message = f"{shown(name)} of {donor.reference} seems to hold a part for each of its {donor.layer_count} layers"
        fix = "It is carried over as it is: check whether it belongs to the layers."
        yield Problem("packed-layers", Severity.WARNING, message, facts.plan.slices[0].model_place, fix)


def _one_each(checkpoint: Checkpoint) -> Iterator[str]:
    """Tensors outside the layers with a row or a member for each layer."""
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
