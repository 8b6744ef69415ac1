"""Models that see: what transformers writes of five families, stacked, is opened by transformers again."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.checkpoint.find import opener
from engine.inference import loadcheck
from engine.plan.check import check_plan
from engine.tasks.merge import MergeOptions, merge

TEXT: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
SEES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
QWEN_SEES = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 4, "out_hidden_size": 32}
GEMMA = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"] * 3}
FAMILIES: dict[str, dict[str, Any]] = {
    "llava": {
        "text_config": {"model_type": "llama", **TEXT},
        "vision_config": {"model_type": "clip_vision_model", "projection_dim": 32, **SEES},
    },
    "gemma3": {
        "text_config": {**TEXT, **GEMMA},
        "vision_config": {"model_type": "siglip_vision_model", **SEES},
        "mm_tokens_per_image": 4,
    },
    "mistral3": {
        "text_config": {"model_type": "mistral", **TEXT},
        "vision_config": {"model_type": "pixtral", "head_dim": 8, **SEES},
    },
    "qwen2_5_vl": {
        "text_config": {**TEXT, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}},
        "vision_config": {**QWEN_SEES, "fullatt_block_indexes": [1]},
    },
    "qwen3_vl": {
        "text_config": {**TEXT, "rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1]}},
        "vision_config": {**QWEN_SEES, "deepstack_visual_indexes": [1], "num_position_embeddings": 16},
    },
}
PLAN = """\
merge_method: passthrough
slices:
- sources: [{{model: {model}, layer_range: [0, 5]}}]
- sources: [{{model: {model}, layer_range: [3, 6], parameters: {{scale: [{{filter: o_proj, value: 0.5}}]}}}}]
"""


@pytest.mark.stress
@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_of_it_opens_with_its_towers_untouched(family: str, tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForImageTextToText

    torch.manual_seed(0)
    model = tmp_path / "model"
    AutoModelForImageTextToText.from_config(AutoConfig.for_model(family, **FAMILIES[family])).save_pretrained(model)
    text = PLAN.format(model=model)
    stack = check_plan(text, opener()).stack
    assert stack is not None
    merge(stack, text, tmp_path / "new", MergeOptions(load_check=False))
    visits = [(str(visit.checkpoint.directory), visit.layer) for visit in stack.visits]
    opened = loadcheck.check({"directory": str(tmp_path / "new"), "visits": visits})
    assert not any(opened[key] for key in ("missing", "unexpected", "mismatched", "differences"))
    before, after = load_file(model / "model.safetensors"), load_file(tmp_path / "new" / "model.safetensors")
    assert all(torch.equal(after[name], before[name]) for name in stack.config_donor.anatomy.ends)
