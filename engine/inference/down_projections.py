"""Detection of the down projections of a model's layers: the modules whose inputs are the neurons of the MLP.

Detected by names and shapes, as in engine.checkpoint.residual, so that new families need no table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.tensors.library import torch_library

_DOWN = re.compile(
    r"(?:^|\.)(?:down_proj|fc2|fc_out|c_proj|dense_4h_to_h|w2|proj_2|linear_out|output_linear)$|^feed_forward\.value$"
)
_NOT_MLP = re.compile(r"att|mamba|mixer|conv|temporal|recurrent|ssm")
_ONE_OF_THE_EXPERTS = re.compile(r"(^|\.)(\w*experts|w2|down_proj)\.\d+(\.|$)")

FUSED_EXPERTS = (
    "the routed experts are fused into one tensor: no module takes the input of their down projections, "
    "and a neuron would be a unit of one expert, seen only by the tokens routed to it"
)
SEPARATE_EXPERTS = "a neuron of a routed expert is seen only by the tokens routed to it"
NOT_FOUND = "no module of the layer is known to be a down projection"


@dataclass(frozen=True, slots=True)
class DownProjections:
    """Modules of one layer whose neurons can be recorded."""

    modules: tuple[tuple[str, Any], ...]
    """Names within the layer ("mlp.down_proj", "mlp.shared_expert.down_proj") and torch modules."""
    left_out: str
    """Reason why some or all neurons of the layer are not recorded; "" if all are."""


def down_projections(layer: Any) -> DownProjections:
    """Return the down projections of a layer that process every token, i.e. none of routed experts."""
    named = [(name, module) for name, module in layer.named_modules() if _is_down_projection(name, module)]
    shared = [(name, module) for name, module in named if not _ONE_OF_THE_EXPERTS.search(name)]
    return DownProjections(tuple(shared), _left_out(layer, named, shared))


def _is_down_projection(name: str, module: Any) -> bool:
    return bool(_DOWN.search(name)) and not _NOT_MLP.search(name) and _is_linear(module)


def _is_linear(module: Any) -> bool:
    """Return True for a Linear (or a quantised subclass), or GPT-2's Conv1D, a Linear with a transposed matrix."""
    return isinstance(module, torch_library().nn.Linear) or type(module).__name__ == "Conv1D"


def _left_out(layer: Any, named: list[Any], shared: list[Any]) -> str:
    if any(_holds_fused_experts(name, module) for name, module in layer.named_modules()):
        return FUSED_EXPERTS
    if len(named) > len(shared):
        return SEPARATE_EXPERTS
    return "" if shared else NOT_FOUND


def _holds_fused_experts(name: str, module: Any) -> bool:
    """Return True if the module itself has a 3-dimensional parameter and is not a convolution or a recurrence."""
    return not _NOT_MLP.search(name) and any(parameter.dim() == 3 for parameter in _own_parameters(module))


def _own_parameters(module: Any) -> Iterator[Any]:
    return (parameter for _, parameter in module.named_parameters(recurse=False))
