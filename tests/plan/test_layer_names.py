"""Settings that name layers say of every copied tensor what they said of the tensor that it was copied from."""

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CheckpointError
from engine.plan.companions import companions
from engine.plan.outputs import output_config
from tests.plan.layer_name_readers import disagreements
from tests.plan.named_models import MODELS, Model, inner, stack_of


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
