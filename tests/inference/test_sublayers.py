"""LongCat-Flash, whose blocks hold two attention sub-layers each and count as two layers: previewed like the rest."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.checkpoint.find import opener
from engine.inference import virtual
from engine.inference.metrics.block_metric import RecordedBatch
from engine.inference.sequences import Sequences
from engine.plan.check import check_plan
from engine.tasks.merge import MergeOptions, merge

BLOCKS = 4
TOKENS = torch.randint(3, 64, (2, 12), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def longcat(tmp_path_factory):
    config = AutoConfig.for_model(
        "longcat_flash",
        vocab_size=64,
        hidden_size=32,
        num_layers=BLOCKS,
        num_attention_heads=4,
        num_key_value_heads=4,
        ffn_hidden_size=48,
        expert_ffn_hidden_size=16,
        q_lora_rank=12,
        kv_lora_rank=8,
        qk_nope_head_dim=8,
        qk_rope_head_dim=4,
        v_head_dim=8,
        head_dim=4,
        moe_topk=2,
        n_routed_experts=4,
        zero_expert_num=2,
        pad_token_id=0,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).float()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.6 if parameter.dim() == 1 else 0.0, 0.15)
    directory = tmp_path_factory.mktemp("sublayers") / "longcat"
    model.save_pretrained(directory)
    return directory


def plan_over(directory, *spans):
    slices = [f"- sources: [{{model: {directory}, layer_range: {list(span)}}}]" for span in spans]
    return "\n".join(["merge_method: passthrough", "slices:", *slices, ""])


def test_the_preview_computes_what_the_merge_does(longcat, tmp_path):
    text = plan_over(longcat, (0, 3), (1, 4))
    merge(check_plan(text, opener()).stack, text, tmp_path / "out", MergeOptions(load_check=False))
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto").eval()
    preview = virtual.load(text)
    with torch.inference_mode():
        assert torch.equal(preview(TOKENS).logits, merged(TOKENS).logits)
    generated = [model.generate(TOKENS, max_new_tokens=4, do_sample=False) for model in (preview, merged)]
    assert torch.equal(*generated)


def test_its_blocks_are_run_individually(longcat):
    model = virtual.load(plan_over(longcat, (0, BLOCKS)))
    with torch.inference_mode():
        recorded = RecordedBatch.of(model, Sequences.of_text(TOKENS))
        assert recorded.layer_count == BLOCKS
        assert torch.equal(recorded.base_logits, model(TOKENS, use_cache=False).logits)
