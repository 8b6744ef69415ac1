"""Settings that name layers say of every copied tensor what they said of the tensor that it was copied from."""

import copy
import fnmatch
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import parse_config
from engine.checkpoint.header import StoredTensor
from engine.plan.companions import companions
from engine.plan.outputs import output_config, output_tensors
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
        return Checkpoint("m", Path("m"), parsed, tensors, beside=dict(beside or {}))


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
    visits = tuple(Visit(checkpoint, layer, layers[:place].count(layer)) for place, layer in enumerate(layers))
    return Stack(visits, Donor(checkpoint), Donor(checkpoint), checkpoint)


def is_within(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def is_ignored(module: str, entries: Sequence[str]) -> bool:
    """compressed-tensors."""
    return any(
        re.match(entry[3:], module) is not None if entry.startswith("re:") else is_within(module, entry)
        for entry in entries
    )


def is_excluded(module: str, entries: Sequence[str]) -> bool:
    """ModelOpt."""
    return any(fnmatch.fnmatchcase(module, entry) or is_within(module, entry) for entry in entries)


def is_not_converted(module: str, entries: Sequence[str]) -> bool:
    """transformers."""
    return any(
        re.match(rf"(?:{entry})(?:(?<=\.)|(?=\.|$))", module) is not None or module.endswith(entry) for entry in entries
    )


def dynamic(module: str, rules: Mapping[str, Any]) -> Any:
    """GPTQModel: the first rule that matches counts."""
    for pattern, overrides in rules.items():
        if re.match(pattern.removeprefix("-:").removeprefix("+:"), module):
            return "excluded" if pattern.startswith("-:") else overrides
    return None


def extra_config(module: str, rules: Mapping[str, Any]) -> Any:
    """AutoRound: a name, or else the first expression that is found in it."""
    if module in rules:
        return rules[module]
    patterns = {key: value for key, value in rules.items() if not set("*+?^$()[]{}|\\").isdisjoint(key)}
    return next((value for pattern, value in patterns.items() if re.search(pattern, module)), None)


def quantized_layer(module: str, rules: Mapping[str, Any]) -> Any:
    """ModelOpt's mixed precision."""
    return rules.get(module)


def group(module: str, groups: Mapping[str, Any]) -> Any:
    """compressed-tensors: the groups whose targets it is among."""
    return [name for name, found in groups.items() if is_ignored(module, found["targets"])]


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "ignore": is_ignored,
    "exclude_modules": is_excluded,
    "modules_to_not_convert": is_not_converted,
    "llm_int8_skip_modules": is_not_converted,
    "dynamic": dynamic,
    "extra_config": extra_config,
    "quantized_layers": quantized_layer,
    "config_groups": group,
}


def what_is_said(block: Mapping[str, Any], module: str) -> dict[str, Any]:
    return {key: READERS[key](module, value) for key, value in block.items()}


def disagreements(stack: Stack, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Tensors of which the new block does not say what the old one said of their sources."""
    pairs = [
        (tensor.source.name.removesuffix(".weight"), tensor.name.removesuffix(".weight"))
        for tensor in output_tensors(stack)
    ]
    said = [(name, what_is_said(old, source), what_is_said(new, name)) for source, name in pairs]
    return [(name, wanted, found) for name, wanted, found in said if wanted != found]


@st.composite
def names(draw: Any, model: Model) -> str:
    return draw(st.sampled_from([*model.modules, *(name.rpartition(".")[0] for name in model.modules[:30])]))


def leaves(model: Model) -> st.SearchStrategy[str]:
    return st.sampled_from(model.modules)


@st.composite
def expressions(draw: Any, model: Model) -> str:
    """Regular expressions that match from the beginning of a name."""
    numbers = st.integers(0, len(model.layers) - 1)
    chosen = draw(st.lists(numbers, min_size=1, max_size=4, unique=True))
    one, other = chosen[0], chosen[-1]
    joined = "|".join(map(str, chosen))
    prefix = draw(st.sampled_from([re.escape(model.prefix), r".*layers\.", r".*\.layers\.", r"model\..*layers\."]))
    part = draw(st.sampled_from(["mlp", "self_attn", r"mlp\.down_proj", r"(?:mlp|self_attn)", r".*proj"]))
    spelled = [
        rf"{prefix}{one}\.{part}.*",
        rf"{prefix}(?:{joined})\.{part}.*",
        rf"{prefix}({joined})\.{part}.*",
        rf"{prefix}{one}\..*",
        rf"{prefix}[0-3]\.{part}.*",
        rf"{prefix}\d+\.{part}.*",
        rf"{prefix}[0-9]+\..*",
        rf"{prefix}1\d\.{part}.*",
        rf"{prefix}(?!{one}\.)\d+\.{part}.*",
        rf"{prefix}({one}\.mlp|{other}\.self_attn)\..*",
        rf"(?:{prefix}{one}\.mlp.*|{prefix}{other}\.self_attn.*)",
        rf".*\.{one}\..*{part}.*",
        rf".*{part}.*",
        r".*lm_head",
        rf"{prefix}{one}\.{part}.*|{prefix}{other}\.{part}.*",
    ]
    return draw(st.sampled_from(spelled))


@st.composite
def globs(draw: Any, model: Model) -> str:
    number = draw(st.integers(0, len(model.layers) - 1))
    prefix = draw(st.sampled_from([model.prefix, "*layers.", "*.layers."]))
    tail = draw(st.sampled_from(["*", ".*", ".mlp*", ".self_attn.*", ".*down_proj"]))
    spelled = [
        f"{prefix}{number}{tail}",
        f"{prefix}[0-2]{tail}",
        f"{prefix}?{tail}",
        f"{prefix}*.mlp*",
        "*o_proj",
        "lm_head*",
    ]
    return draw(st.sampled_from(spelled))


@st.composite
def blocks(draw: Any, model: Model) -> dict[str, Any]:
    """A mixture of spellings, each under a key whose reader knows it."""
    marked = expressions(model).map("re:{}".format)
    bits = st.sampled_from([{"bits": 4}, {"bits": 8}, {"bits": 16}])
    signed = st.tuples(st.sampled_from(["", "+:", "-:"]), expressions(model)).map("".join)
    targets = st.fixed_dictionaries({"targets": st.lists(st.one_of(names(model), marked), max_size=4)})
    offered = {
        "ignore": st.lists(st.one_of(names(model), marked), max_size=6),
        "exclude_modules": st.lists(st.one_of(names(model), globs(model)), max_size=6),
        "modules_to_not_convert": st.lists(names(model), max_size=6),
        "llm_int8_skip_modules": st.lists(names(model), max_size=6),
        "dynamic": st.dictionaries(signed, bits, max_size=4),
        "extra_config": st.dictionaries(st.one_of(leaves(model), expressions(model)), bits, max_size=4),
        "quantized_layers": st.dictionaries(leaves(model), bits, max_size=8),
        "config_groups": st.dictionaries(st.sampled_from(["group_0", "group_1"]), targets, max_size=2),
    }
    keys = draw(st.lists(st.sampled_from(sorted(offered)), min_size=1, max_size=3, unique=True))
    return {key: draw(offered[key]) for key in keys}


def inner(data: Any, path: Sequence[str]) -> Any:
    for key in path:
        data = data[key]
    return data


def check_agreement(kind: str, data: st.DataObject) -> None:
    model = MODELS[kind]
    layers = data.draw(st.lists(st.integers(0, model.depth - 1), min_size=1, max_size=2 * model.depth))
    path, block = data.draw(st.sampled_from(model.places)), data.draw(blocks(model))
    beside = data.draw(blocks(model))
    checkpoint = model.checkpoint({path: block}, {"hf_quant_config.json": json.dumps({"quantization": beside})})
    stack = stack_of(checkpoint, layers)
    new = inner(json.loads(output_config(stack).text), path)
    assert disagreements(stack, block, new) == []
    text = companions(stack).rewritten.get("hf_quant_config.json")
    written = json.loads(text)["quantization"] if text else beside
    assert disagreements(stack, beside, written) == []


@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_config_and_sidecar_agree_with_every_tensor(kind: str, data: st.DataObject) -> None:
    check_agreement(kind, data)


@pytest.mark.stress
@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_many_configs_and_sidecars_agree_with_every_tensor(kind: str, data: st.DataObject) -> None:
    check_agreement(kind, data)
