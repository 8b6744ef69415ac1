"""Tiny models whose settings name layers, and what a stack makes of those settings."""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import parse_config
from engine.checkpoint.formats.format import StoredTensor
from engine.plan.outputs import output_config
from engine.plan.stack import Donor, Stack, Visit

DENSE = ("input_layernorm", "self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj")
SPARSE = (*DENSE[:3], "mlp.gate", *(f"mlp.experts.{n}.{part}" for n in (0, 1, 2, 5, 11) for part in ("up", "down")))


@dataclass(frozen=True)
class Model:
    """A tiny model: modules with one weight each."""

    prefix: str
    layers: tuple[tuple[str, ...], ...]
    """Modules of each layer, those behind the decoder included."""
    depth: int
    others: tuple[str, ...]
    config: Mapping[str, Any]
    places: tuple[tuple[str, ...], ...]
    """Where in config.json a block of settings may stand."""

    @property
    def modules(self) -> list[str]:
        return [*(f"{self.prefix}{n}.{m}" for n, layer in enumerate(self.layers) for m in layer), *self.others]

    def checkpoint(self, blocks: Mapping[tuple[str, ...], Any], beside: Mapping[str, str] | None = None) -> Checkpoint:
        config = copy.deepcopy(dict(self.config))
        for path, block in blocks.items():
            inner = config
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = block
        names = [f"{module}.weight" for module in self.modules]
        tensors = {name: StoredTensor(name, "F32", (2,), Path("m/x"), 8 * i, 8 * i + 8) for i, name in enumerate(names)}
        parsed = parse_config(json.dumps(config, indent=2), Path("m/config.json"), tensors)
        return Checkpoint("m", Path("m"), parsed, tensors, settings_files=dict(beside or {}))


ENDS = ("model.embed_tokens", "model.norm", "lm_head")
MODELS = {
    "llama": Model("model.layers.", (DENSE,) * 7, 7, ENDS, {"num_hidden_layers": 7}, (("quantization_config",),)),
    "deep llama": Model(
        "model.layers.", (DENSE,) * 21, 21, ENDS, {"num_hidden_layers": 21}, (("quantization_config",),)
    ),
    "two towers": Model(
        "model.language_model.layers.",
        (DENSE,) * 6,
        6,
        (
            "model.language_model.embed_tokens",
            "model.language_model.norm",
            "lm_head",
            *(f"model.vision_tower.layers.{n}.{m}" for n in range(9) for m in ("self_attn.q_proj", "mlp.down_proj")),
        ),
        {"text_config": {"num_hidden_layers": 6}, "vision_config": {"num_hidden_layers": 9}},
        (("quantization_config",), ("text_config", "quantization_config")),
    ),
    "experts": Model(
        "model.layers.", (DENSE, *(SPARSE,) * 5), 6, ENDS, {"num_hidden_layers": 6}, (("quantization_config",),)
    ),
    "prediction layer": Model(
        "model.layers.",
        (*(DENSE,) * 5, (*DENSE, "eh_proj")),
        5,
        ENDS,
        {"num_hidden_layers": 5, "num_nextn_predict_layers": 1},
        (("quantization_config",),),
    ),
}


def stack_of(checkpoint: Checkpoint, layers: Sequence[int]) -> Stack:
    visits = tuple(Visit.whole(checkpoint, layer, layers[:place].count(layer)) for place, layer in enumerate(layers))
    return Stack(visits, Donor(checkpoint), Donor(checkpoint), checkpoint)


def inner(data: Any, path: Sequence[str]) -> Any:
    for key in path:
        data = data[key]
    return data


LAYERS = [0, 1, 2, 3, 1, 2, 3, 4, 5, 6]
"""`[0, 4]`, `[1, 7]` of seven layers: layer 2 is at 2 and 5, layer 5 at 8."""


def rewritten(model: Model, path: tuple[str, ...], block: Any, layers: Sequence[int] = LAYERS) -> Any:
    stack = stack_of(model.checkpoint({path: block}), layers)
    return inner(json.loads(output_config(stack).text), path)
