"""Settings that name layers say of every copied tensor what they said of the tensor that it was copied from."""

import contextlib
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
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError
from engine.plan.companions import companions
from engine.plan.outputs import output_config, output_tensors
from engine.plan.stack import Donor, Stack, Visit
from tests.cases import cases

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
    visits = tuple(Visit.whole(checkpoint, layer, layers[:place].count(layer)) for place, layer in enumerate(layers))
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
        (tensor.pieces[0].name.removesuffix(".weight"), tensor.name.removesuffix(".weight"))
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
    loose = st.integers(0, len(model.layers) - 1).map(lambda number: f"{model.prefix}{number}.*")
    marked = expressions(model).map("re:{}".format)
    bits = st.sampled_from([{"bits": 4}, {"bits": 8}, {"bits": 16}])
    signed = st.tuples(st.sampled_from(["", "+:", "-:"]), expressions(model)).map("".join)
    targets = st.fixed_dictionaries({"targets": st.lists(st.one_of(names(model), marked), max_size=4)})
    offered = {
        "ignore": st.lists(st.one_of(names(model), marked), max_size=6),
        "exclude_modules": st.lists(st.one_of(names(model), globs(model)), max_size=6),
        "modules_to_not_convert": st.lists(st.one_of(names(model), expressions(model), loose), max_size=6),
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
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_config_and_sidecar_agree_with_every_tensor(kind: str, data: st.DataObject) -> None:
    check_agreement(kind, data)


@pytest.mark.stress
@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=400, deadline=None)
@given(st.data())
def test_many_configs_and_sidecars_agree_with_every_tensor(kind: str, data: st.DataObject) -> None:
    check_agreement(kind, data)


LAYERS = [0, 1, 2, 3, 1, 2, 3, 4, 5, 6]
"""`[0, 4]`, `[1, 7]` of seven layers: layer 2 is at 2 and 5, layer 5 at 8."""


def rewritten(model: Model, path: tuple[str, ...], block: Any, layers: Sequence[int] = LAYERS) -> Any:
    stack = stack_of(model.checkpoint({path: block}), layers)
    return inner(json.loads(output_config(stack).text), path)


@cases(
    ("old", "new"),
    [
        (["lm_head", "model.layers.5.mlp"], ["lm_head", "model.layers.8.mlp"]),
        (["model.layers.2"], ["model.layers.2", "model.layers.5"]),
        ([r"re:.*layers\.2\.mlp.*"], [r"re:.*layers\.(?:2|5)\.mlp.*"]),
        ([r"re:model\.layers\.(0|6)\..*"], [r"re:model\.layers\.(?:0|9)\..*"]),
        ([r"re:.*layers\.\d+\.self_attn.*", "re:.*lm_head"], [r"re:.*layers\.\d+\.self_attn.*", "re:.*lm_head"]),
        (["model.layers.0*"], ["model.layers.0*"]),
        (["model.layers.3*"], ["model.layers.3*", "model.layers.6*"]),
        (["model.layers.*.mlp.gate*"], ["model.layers.*.mlp.gate*"]),
        (["*layers.5.self_attn*"], ["*layers.8.self_attn*"]),
    ],
)
def test_entries_about_some_layers_follow_them_and_those_about_all_keep_their_spelling(old: Any, new: Any) -> None:
    path = ("quantization_config",)
    found = rewritten(MODELS["llama"], path, {"ignore": old})
    assert found == {"ignore": new}


def test_an_open_glob_reaches_no_layer_with_a_longer_number() -> None:
    listed = {"exclude_modules": ["model.layers.0*", "model.layers.1*"]}
    found = rewritten(MODELS["llama"], ("quantization_config",), listed, [0, *range(7), *range(7)])
    of_layer_0 = ["model.layers.0*", "model.layers.1", "model.layers.1.*", "model.layers.8*"]
    assert found == {"exclude_modules": [*of_layer_0, "model.layers.2*", "model.layers.9*"]}


def test_the_prediction_layer_behind_the_decoder_moves_with_its_end() -> None:
    listed = ["model.layers.0*", "model.layers.5*"]
    found = rewritten(MODELS["prediction layer"], ("quantization_config",), {"ignore": listed}, [0, 1, 2, 1, 2, 3, 4])
    assert found == {"ignore": ["model.layers.0*", "model.layers.7*"]}


@cases("path", MODELS["two towers"].places)
def test_lists_beside_and_inside_the_decoders_part_are_rewritten_and_other_towers_keep_their_numbers(path: Any) -> None:
    listed = ["model.language_model.layers.5.mlp", "model.vision_tower.layers.5.mlp", "language_model.layers.1.mlp"]
    assert rewritten(MODELS["two towers"], path, {"modules_to_not_convert": listed}, [0, 1, 2, 1, 2, 3, 4, 5]) == {
        "modules_to_not_convert": [
            "model.vision_tower.layers.5.mlp",
            "language_model.layers.1.mlp",
            "language_model.layers.3.mlp",
            "model.language_model.layers.7.mlp",
        ]
    }


def test_a_block_inside_another_towers_part_is_left_alone() -> None:
    path, block = ("vision_config", "quantization_config"), {"ignore": ["layers.5.mlp", "re:.*layers\\.1\\..*"]}
    assert rewritten(MODELS["two towers"], path, block, [0, 1, 2, 1, 2, 3, 4, 5]) == block


def test_a_block_of_another_model_is_left_alone() -> None:
    config = {"talker_config": {"num_hidden_layers": 6, "quantization_config": {"ignore": ["model.layers.1.mlp"]}}}
    text = output_config(stack_of(MODELS["llama"].checkpoint({(key,): config[key] for key in config}), LAYERS)).text
    assert json.loads(text)["talker_config"] == config["talker_config"]


def test_an_expression_that_reaches_two_towers_still_means_the_same_in_both() -> None:
    listed = {"ignore": [r"re:.*layers\.2\.mlp.*"]}
    stack = stack_of(MODELS["two towers"].checkpoint({("quantization_config",): listed}), [0, 1, 2, 1, 2, 3, 4, 5])
    found = json.loads(output_config(stack).text)["quantization_config"]
    assert len(found["ignore"]) == 2
    assert disagreements(stack, listed, found) == []


def test_of_expressions_that_come_out_alike_the_first_one_counts() -> None:
    prefix = r"+:model\.language_model\.layers\."
    rules = {rf"{prefix}(?!0\.)\d+\.mlp.*": {"bits": 8}, r"+:.*layers\.1\.mlp.*": {"bits": 4}}
    stack = stack_of(MODELS["two towers"].checkpoint({("quantization_config",): {"dynamic": rules}}), [1])
    found = json.loads(output_config(stack).text)["quantization_config"]
    assert disagreements(stack, {"dynamic": rules}, found) == []


def test_an_expression_that_reaches_experts_of_that_number_still_does() -> None:
    listed = {"dynamic": {r"-:.*\.5\..*down.*": {}, r"+:.*\.2\..*": {"bits": 8}}}
    stack = stack_of(MODELS["experts"].checkpoint({("quantization_config",): listed}), [0, 1, 2, 1, 2, 3, 4, 5])
    found = json.loads(output_config(stack).text)["quantization_config"]
    assert disagreements(stack, listed, found) == []


@cases("key", ["quantized_layers", "extra_config"])
def test_settings_of_single_layers_follow_them_with_the_names_inside(key: str) -> None:
    block = {key: {"model.layers.5.mlp": {"bits": 8, "tensors": ["model.layers.5.mlp.up"]}, "lm_head": {"bits": 16}}}
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {
        key: {"model.layers.8.mlp": {"bits": 8, "tensors": ["model.layers.8.mlp.up"]}, "lm_head": {"bits": 16}}
    }


def test_targets_of_groups_follow_the_layers() -> None:
    block = {
        "config_groups": {"group_0": {"targets": ["Linear", "model.layers.5.mlp.down_proj"], "weights": {"bits": 4}}}
    }
    assert rewritten(MODELS["llama"], ("quantization_config",), block)["config_groups"]["group_0"] == {
        "targets": ["Linear", "model.layers.8.mlp.down_proj"],
        "weights": {"bits": 4},
    }


def test_entries_about_layers_that_were_dropped_go() -> None:
    block = {"ignore": ["model.layers.5.mlp", r"re:.*layers\.6\..*", "lm_head"], "dynamic": {r"-:.*\.6\..*": {}}}
    assert rewritten(MODELS["llama"], ("quantization_config",), block, [0, 1, 2]) == {
        "ignore": ["lm_head"],
        "dynamic": {},
    }


NUMBERED_OTHERWISE: tuple[dict[str, Any], ...] = (
    {"skip_layers": [0, 5]},
    {"layers_to_skip": [6]},
    {"layer_bits": [2, 3, 4, 5, 6, 7, 8]},
    {"layer_config": {"5": {"bits": 8}}},
    {"bits": {str(layer): 4 for layer in range(7)}},
    {"overrides": [{"layer": 5, "bits": 8}]},
    {"overrides": [{"layer_idx": 2, "bits": 8}]},
    {"ignore": ["model_layers_5_mlp"]},
    {"ignore": ["model/layers/5/mlp"]},
    {"ignore": ["model.layers[5].mlp"]},
    {"ignore": ["model.layers.0-2.mlp"]},
)


@cases("block", NUMBERED_OTHERWISE, ids=json.dumps)
def test_a_quantisation_block_that_numbers_layers_in_a_way_of_its_own_is_refused(block: Any) -> None:
    with pytest.raises(CheckpointError, match="not by the names of modules"):
        rewritten(MODELS["llama"], ("quantization_config",), block)
    beside = {"quant_config.json": json.dumps(block)}
    with pytest.raises(CheckpointError, match=r"quant_config\.json"):
        companions(stack_of(MODELS["llama"].checkpoint({}, beside), LAYERS))


@cases(
    "block",
    [
        {"bits": 4, "weight_block_size": [2, 7], "group_size": 5},
        {"layers": 7, "num_layers": 7},
        {"config_groups": {"group_0": {"num_bits": 4, "targets": ["Linear"]}}},
        {"vision_layers": [0, 1]},
    ],
    ids=json.dumps,
)
def test_a_quantisation_block_without_layer_numbers_stays(block: Any) -> None:
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == block


def test_names_between_commas_follow_the_layers() -> None:
    block = {"to_quant_block_names": "model.layers.2,model.layers.5", "modes": "awq,gptq"}
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {
        "to_quant_block_names": "model.layers.2,model.layers.5,model.layers.8",
        "modes": "awq,gptq",
    }


@cases("prefix", ["_orig_mod.model.", "base_model.model.model.", "net.", "model.module."])
def test_entries_that_carry_a_wrappers_name_follow_the_layers(prefix: str) -> None:
    block = {"ignore": [f"{prefix}layers.5.mlp"]}
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {"ignore": [f"{prefix}layers.8.mlp"]}


@cases(
    ("block", "why"),
    [
        ({"ignore": ["re:.*layers\\.(2"]}, "not a regular expression"),
        ({"exit": "model.layers.2"}, "the stack needs 2"),
        ({"ignore": [r"re:(.*(.*\.)*)*2\.mlp"]}, "may never end"),
        ({"dynamic": {r"+:.*\.2\.(": {}}}, "not a regular expression"),
    ],
)
def test_what_cannot_follow_the_layers_is_refused_with_its_place(block: Any, why: str) -> None:
    with pytest.raises(CheckpointError, match="quantization_config") as caught:
        rewritten(MODELS["llama"], ("quantization_config",), block)
    assert why in str(caught.value)


def test_a_config_whose_own_keys_name_layers_is_refused() -> None:
    with pytest.raises(CheckpointError, match="its top-level keys name layers"):
        output_config(stack_of(MODELS["llama"].checkpoint({("model.layers.2",): 1}), LAYERS))


SPELLED = st.text(alphabet="model.layers0123*?[](|)\\d+^$:re-{} ab", max_size=24)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.integers(-3, 9), st.booleans(), st.floats(), SPELLED),
    lambda inner: st.one_of(st.lists(inner, max_size=7), st.dictionaries(SPELLED, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(
    ANYTHING,
    st.sampled_from(["quantization_config", "ignore", "dynamic", "extra_config", "odd_layers"]),
    st.lists(st.integers(0, 6), min_size=1, max_size=12),
)
def test_whatever_stands_among_settings_is_written_or_refused(value: Any, key: str, layers: list[int]) -> None:
    beside = {"hf_quant_config.json": json.dumps({key: value}), "recipe.yaml": json.dumps(value)}
    stack = stack_of(MODELS["llama"].checkpoint({(key,): value}, beside), layers)
    for write in (lambda: json.loads(output_config(stack).text), lambda: companions(stack)):
        with contextlib.suppress(CheckpointError):
            assert write()


def test_each_layer_is_described_by_the_checkpoint_that_gives_it() -> None:
    path, names = ("quantization_config",), ["lm_head", "model.layers.1.mlp"]
    first = MODELS["llama"].checkpoint({path: {"bits": 8, "ignore": names}})
    second = MODELS["llama"].checkpoint({path: {"bits": 8, "ignore": ["lm_head", "model.layers.0.mlp"]}})
    visits = tuple(Visit.whole(checkpoint, layer, 0) for checkpoint in (first, second) for layer in (0, 1))
    stack = Stack(visits, Donor(first), Donor(second), first)
    assert json.loads(output_config(stack).text)["quantization_config"] == {
        "bits": 8,
        "ignore": ["lm_head", "model.layers.1.mlp", "model.layers.2.mlp"],
    }


@cases("other", [{"bits": 4, "ignore": ["lm_head"]}, {"bits": 8, "ignore": []}, None])
def test_checkpoints_that_are_quantised_differently_are_refused(other: Any) -> None:
    path = ("quantization_config",)
    first = MODELS["llama"].checkpoint({path: {"bits": 8, "ignore": ["lm_head"]}})
    second = MODELS["llama"].checkpoint({path: other} if other else {})
    for donor in (first, second):
        visits = tuple(Visit.whole(checkpoint, 0, 0) for checkpoint in (first, second))
        with pytest.raises(CheckpointError, match="quantised in the same way"):
            output_config(Stack(visits, Donor(first), Donor(second), donor))


def test_names_outside_quantisation_follow_too_and_ordinary_text_is_left_alone() -> None:
    config = {"_keys_to_ignore_on_load_unexpected": [r"model\.layers\.5.*"], "license": ["see layers.2 of the onion"]}
    blocks = {(key,): value for key, value in config.items()}
    text = output_config(stack_of(MODELS["llama"].checkpoint(blocks), LAYERS)).text
    assert json.loads(text) == {
        "num_hidden_layers": 10,
        "_keys_to_ignore_on_load_unexpected": [r"model\.layers\.8.*"],
        "license": ["see layers.2 of the onion"],
    }


def test_sentences_are_no_entries_and_a_lone_expression_is_one() -> None:
    block = {
        "dataset": ["(2) layers.2 are [not] 5 layers", "a|b 2"],
        "target": r".*layers\.2\.mlp.*",
        "exit": "model.layers.5",
    }
    assert rewritten(MODELS["llama"], ("quantization_config",), block) == {
        **block,
        "target": r".*layers\.(?:2|5)\.mlp.*",
        "exit": "model.layers.8",
    }


def test_every_other_byte_of_the_config_stays() -> None:
    block = {"bits":   8, "ignore": ["model.layers.5.mlp"]}  # fmt: skip
    checkpoint = MODELS["llama"].checkpoint({("quantization_config",): block})
    old, new = checkpoint.config.text, output_config(stack_of(checkpoint, LAYERS)).text
    assert new == old.replace("layers.5.mlp", "layers.8.mlp").replace(
        '"num_hidden_layers": 7', '"num_hidden_layers": 10'
    )


SIDECARS = {
    "hf_quant_config.json": ({"quantization": {"exclude_modules": ["lm_head", "model.layers.5*"]}}, "model.layers.8*"),
    "quantize_config.json": ({"bits": 4, "dynamic": {r"-:.*\.5\..*": {}}}, r"-:.*\\.8\\..*"),
    "quant_config.json": ({"modules_to_not_convert": ["model.layers.5.mlp"]}, "model.layers.8.mlp"),
    "params.json": ({"dim": 8, "n_layers": 7, "vision_encoder": {"num_hidden_layers": 7}}, '"n_layers": 10'),
    "anything.json": ({"notes": {"model.layers.5.mlp": "hot"}}, "model.layers.8.mlp"),
}


@cases("name", SIDECARS)
def test_json_beside_the_weights_is_rewritten(name: str) -> None:
    old, part = SIDECARS[name]
    stack = stack_of(MODELS["llama"].checkpoint({}, {name: json.dumps(old)}), LAYERS)
    assert part in companions(stack).rewritten[name]
    assert "5" not in companions(stack).rewritten[name]


def test_another_towers_depth_beside_the_weights_stays() -> None:
    old, _ = SIDECARS["params.json"]
    stack = stack_of(MODELS["llama"].checkpoint({}, {"params.json": json.dumps(old)}), LAYERS)
    assert json.loads(companions(stack).rewritten["params.json"])["vision_encoder"] == {"num_hidden_layers": 7}


@cases(
    ("name", "text"),
    [
        ("recipe.yaml", "stage:\n  ignore: ['re:.*lm_head', 're:.*layers.5.mlp.*']\n"),
        ("recipe.yaml", "a: [unclosed, layers.5"),
        ("recipe.yaml", "a: &x [model.layers.1]\nb: *x\n"),
        ("importance.json", '{"layer_importance": [1, 2, 3, 4, 5, 6, 7]}'),
        ("importance.json", '{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1}'),
        ("importance.json", '{"layer_3": 0.5}'),
        ("sensitivity.csv", "module,score\nmodel.layers.3.mlp,0.5\n"),
        ("broken.json", '{"model.layers.3": '),
        ("imatrix.dat", None),
        ("MD5SUMS", None),
        ("model.sig", None),
    ],
)
def test_what_cannot_be_rewritten_is_left_out_with_a_reason(name: str, text: str | None) -> None:
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {name: text}), LAYERS))
    assert list(found.left_out) == [name]
    assert not found.rewritten


@cases(
    ("name", "text"),
    [
        ("recipe.yaml", "stage:\n  ignore: ['re:.*lm_head']\n  targets: [Linear]\n"),
        ("recipe.yaml", "1: one\n2024-01-01: two\n"),
        ("hf_quant_config.json", '{"quantization": {"quant_algo": "FP8_BLOCK_128", "exclude_modules": ["lm_head"]}}'),
        ("other.json", "[1, 2, 3"),
        ("other.json", '{"depth": 24, "layers": 24, "names": ["a", "b"]}'),
    ],
)
def test_what_says_nothing_of_single_layers_is_copied(name: str, text: str) -> None:
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {name: text}), LAYERS))
    assert not found.left_out
    assert not found.rewritten


def test_a_file_whose_top_names_layers_is_rewritten_with_its_depth() -> None:
    text = '{"n_layers": 7, "model.layers.5": {"bits": 7}, "odd": "\\ud800"}'
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {"x.json": text}), LAYERS)).rewritten["x.json"]
    assert json.loads(found) == {"n_layers": 10, "model.layers.8": {"bits": 7}, "odd": "\ud800"}
    assert found.encode()


def test_a_depth_among_names_is_rewritten_with_them() -> None:
    text = '{"inner": {"n_layers": 7, "model.layers.5": 1}}'
    found = companions(stack_of(MODELS["llama"].checkpoint({}, {"x.json": text}), LAYERS)).rewritten["x.json"]
    assert json.loads(found) == {"inner": {"n_layers": 10, "model.layers.8": 1}}


def test_sources_whose_quantisation_files_differ_are_refused() -> None:
    first, second = (
        MODELS["llama"].checkpoint({}, {"hf_quant_config.json": json.dumps({"exclude_modules": [name]})})
        for name in ("lm_head", "model.norm")
    )
    visits = tuple(Visit.whole(checkpoint, 0, 0) for checkpoint in (first, second))
    with pytest.raises(CheckpointError, match=r"hf_quant_config\.json"):
        companions(Stack(visits, Donor(first), Donor(second), first))
    bare = MODELS["llama"].checkpoint({})
    for donor, other in ((bare, first), (first, bare)):
        with pytest.raises(CheckpointError, match=r"hf_quant_config\.json"):
            companions(Stack((Visit.whole(donor, 0, 0), Visit.whole(other, 0, 0)), Donor(donor), Donor(other), donor))


def test_a_quantisation_file_that_cannot_be_rewritten_forbids_the_stack() -> None:
    text = '{"exclude_modules": ["re:.*layers.(5"]}'
    with pytest.raises(CheckpointError, match=r"hf_quant_config\.json"):
        companions(stack_of(MODELS["llama"].checkpoint({}, {"hf_quant_config.json": text}), LAYERS))


def test_the_layers_as_they_are_leave_every_file_as_it_is() -> None:
    text = '{"exclude_modules": ["model.layers.5*"]}'
    assert not companions(stack_of(MODELS["llama"].checkpoint({}, {"hf_quant_config.json": text}), range(7))).rewritten
