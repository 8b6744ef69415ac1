"""Sources that differ, and layers that differ among themselves."""

import pytest

from engine.plan.rules.layer_pattern import pattern_of
from tests.cases import cases
from tests.tiny import llama_shapes, write_llama, write_weights

SLIDING, FULL = "sliding_attention", "full_attention"


@pytest.fixture
def typed(workbench, tmp_path):
    """A model with full attention in every third of its 12 layers."""
    config = {"layer_types": [SLIDING, SLIDING, FULL] * 4, "model_type": "gemma3_text", "sliding_window": 8}
    workbench.add("typed", write_llama(tmp_path / "typed", layers=12, config=config))
    return workbench


def test_a_block_that_is_no_whole_pattern_breaks_it(typed):
    message = typed.found(("typed", 0, 7), ("typed", 5, 12))["layer-pattern"]
    assert message.startswith(
        "layer 7 of the new model, a copy of layer 5, has full attention, where the pattern of typed"
    )
    assert message.endswith("it repeats every 3 layers")


@pytest.mark.parametrize("spans", [[(0, 6), (3, 12)], [(0, 12)], [(0, 9), (3, 12)]])
def test_a_block_of_whole_patterns_keeps_it(typed, spans):
    assert "layer-pattern" not in typed.found(*(("typed", *span) for span in spans))


def test_dense_and_sparse_layers_are_told_apart(workbench, tmp_path):
    config = {"model_type": "qwen2_moe", "decoder_sparse_step": 2, "mlp_only_layers": []}
    path = write_llama(tmp_path / "moe", layers=6, config=config)
    shapes = llama_shapes(6, 8, 16, 16, tied=False)
    sparse = {name.replace(".mlp.", ".mlp.experts.0."): shape for name, shape in shapes.items() if _is_odd(name)}
    dense = {name: shape for name, shape in shapes.items() if not _is_odd(name)}
    write_weights(path, dense | sparse)
    workbench.add("moe", path)
    found = workbench.found(("moe", 0, 4), ("moe", 3, 6))
    assert "a sparse MLP, where the pattern of moe expects full attention and a dense MLP" in found["layer-pattern"]
    assert "layer-pattern" not in workbench.found(("moe", 0, 4), ("moe", 2, 6))


def _is_odd(name):
    return any(f".layers.{layer}.mlp." in name for layer in (1, 3, 5))


@cases(
    ("kinds", "expected"),
    [
        ("aaaa", None),
        ("abab", (0, 2)),
        ("dddssssss", (3, 1)),
        ("xabababab", (1, 2)),
        ("abcd", None),
        ("aabaab", (0, 3)),
    ],
)
def test_the_shortest_pattern_is_found(kinds, expected):
    pattern = pattern_of(kinds)
    assert (pattern and (pattern.begin, pattern.period)) == expected


def test_layers_that_share_keys_and_values_cannot_be_stacked(workbench, tmp_path):
    workbench.add("shared", write_llama(tmp_path / "shared", layers=6, config={"num_kv_shared_layers": 2}))
    found = workbench.found(("shared", 0, 4), ("shared", 2, 6))
    assert "num_kv_shared_layers" in found["config-keys"]


MIXTURES = {
    "heads": ({"num_attention_heads": 4, "head_dim": 4}, "`num_attention_heads` is 4"),
    "key and value heads": ({"num_key_value_heads": 1}, "`num_key_value_heads` is 1"),
    "rope": ({"rope_theta": 500000.0}, "`rope_theta` is 500000.0"),
    "rope scaling": ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "`rope_scaling` is"),
    "norm": ({"rms_norm_eps": 1e-06}, "`rms_norm_eps` is 1e-06"),
}


@pytest.mark.parametrize(("config", "says"), MIXTURES.values(), ids=MIXTURES)
def test_sources_that_differ_are_named_with_both_values(workbench, tmp_path, config, says):
    workbench.add("other", write_llama(tmp_path / "other", layers=32, vocab=4, config=config))
    assert says in workbench.found(("32", 0, 16), ("other", 16, 32))["architecture"]


def test_one_rope_in_two_spellings_is_one_rope(workbench, tmp_path):
    spellings = {
        "old": {"rope_theta": 500000.0, "rope_scaling": None},
        "new": {"rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}, "head_dim": 4},
    }
    for name, config in spellings.items():
        workbench.add(name, write_llama(tmp_path / name, layers=4, config=config))
    assert workbench.found(("old", 0, 2), ("new", 2, 4)) == {}


def test_a_checkpoint_with_more_rows_than_its_vocabulary_is_not_judged_against_itself(workbench, tmp_path):
    """Llama 3.2 Vision has eight rows more by design."""
    for name in ("long", "long2", "short"):
        rows = 16 if name == "short" else 24
        workbench.add(name, write_llama(tmp_path / name, layers=4, vocab=rows, config={"vocab_size": 16}))
    assert "donors" not in workbench.found(("long", 0, 4))
    assert "donors" not in workbench.found(("long", 0, 2), ("long2", 2, 4))
    message = workbench.found(("long", 0, 2), ("short", 2, 4))["donors"]
    assert message == "the head of short has 16 rows, but 24 in long, which provides the config"


def test_an_adapter_beside_full_weights_is_reported(workbench, tmp_path):
    path = write_llama(tmp_path / "adapted", layers=4)
    (path / "adapter_config.json").write_text("{}")
    workbench.add("adapted", path)
    (note,) = [each for each in workbench.check(("adapted", 0, 4)).problems if each.rule == "leftover-adapter"]
    assert note.severity == "note"
