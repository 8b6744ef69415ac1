"""Tiny random checkpoints of many families, made so that a wrong layer, list or scale shows in the logits.

Six layers, sliding windows of 8, at least two kinds of layer wherever a family has them, random biases and gains.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

LAYERS = 6
SLIDING, FULL = "sliding_attention", "full_attention"

SIZES: Mapping[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT_SIZES: Mapping[str, Any] = {
    "vocab_size": 64,
    "n_embd": 32,
    "n_layer": LAYERS,
    "n_head": 4,
    "n_positions": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EXPERTS: Mapping[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
ALTERNATING = [SLIDING, FULL] * 3


@dataclass(frozen=True)
class Family:
    """How to make a checkpoint of one family."""

    model_type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=lambda: SIZES)
    adds: tuple[str, ...] = ("self_attn", "mlp")
    """Modules of a layer whose output is added to the residual stream."""
    left_out: tuple[str, ...] = ()
    """Keys that config.json may leave out, because the class makes the same list up."""

    def config(self) -> Any:
        from transformers import AutoConfig

        return AutoConfig.for_model(self.model_type, **{**self.sizes, **self.settings})


POST_NORMS = ("post_attention_layernorm", "post_feedforward_layernorm")

FAMILIES: Mapping[str, Family] = {
    "llama": Family("llama"),
    "llama-biased": Family("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    "mistral": Family("mistral", {"sliding_window": 8}),
    "qwen2": Family(
        "qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 3}, left_out=("layer_types",)
    ),
    "qwen3": Family(
        "qwen3", {"use_sliding_window": True, "sliding_window": 8, "layer_types": ALTERNATING, "head_dim": 8}
    ),
    "qwen3-moe": Family(
        "qwen3_moe", {**EXPERTS, "mlp_only_layers": [1, 4], "use_sliding_window": True, "sliding_window": 8}
    ),
    "qwen2-moe": Family("qwen2_moe", {**EXPERTS, "shared_expert_intermediate_size": 40, "decoder_sparse_step": 2}),
    "gemma2": Family("gemma2", {"sliding_window": 8, "head_dim": 8}, adds=POST_NORMS, left_out=("layer_types",)),
    "gemma3": Family(
        "gemma3_text",
        {"sliding_window": 8, "head_dim": 8, "layer_types": [SLIDING, SLIDING, FULL] * 2, "sliding_window_pattern": 3},
        adds=POST_NORMS,
        left_out=("layer_types",),
    ),
    "smollm3": Family("smollm3", {"no_rope_layer_interval": 3}, left_out=("no_rope_layers", "layer_types")),
    "mixtral": Family("mixtral", {"num_local_experts": 4, "sliding_window": 8}),
    "phi": Family("phi"),
    "phi3": Family("phi3", {"sliding_window": 8}),
    "cohere2": Family("cohere2", {"sliding_window": 8}, left_out=("layer_types",)),
    "olmo2": Family("olmo2", adds=POST_NORMS),
    "olmo3": Family("olmo3", {"sliding_window": 8}, adds=POST_NORMS, left_out=("layer_types",)),
    "exaone4": Family("exaone4", {"sliding_window": 8}, adds=POST_NORMS, left_out=("layer_types",)),
    "glm4": Family("glm4", {"head_dim": 8}, adds=("post_self_attn_layernorm", "post_mlp_layernorm")),
    "gpt-oss": Family(
        "gpt_oss",
        {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 8, "head_dim": 8},
        left_out=("layer_types",),
    ),
    "granite": Family("granite", {"residual_multiplier": 0.5}),
    "stablelm": Family("stablelm", {"use_qkv_bias": True}),
    "starcoder2": Family("starcoder2", {"sliding_window": 8}),
    "deepseek-v3": Family(
        "deepseek_v3",
        {
            "moe_intermediate_size": 24,
            "n_routed_experts": 4,
            "n_group": 2,
            "topk_group": 1,
            "num_experts_per_tok": 2,
            "first_k_dense_replace": 1,
            "kv_lora_rank": 8,
            "q_lora_rank": 12,
            "qk_rope_head_dim": 4,
            "qk_nope_head_dim": 8,
            "v_head_dim": 8,
            "num_key_value_heads": 4,
        },
    ),
    "lfm2": Family("lfm2", {"full_attn_idxs": [1, 4], "block_auto_adjust_ff_dim": False}, adds=()),
    "llama4": Family(
        "llama4_text",
        {
            "intermediate_size_mlp": 48,
            "num_local_experts": 4,
            "interleave_moe_layer_step": 2,
            "no_rope_layer_interval": 3,
            "attention_chunk_size": 8,
            "head_dim": 8,
        },
        adds=(),
        left_out=("no_rope_layers", "layer_types", "moe_layers"),
    ),
    "qwen3-next": Family(
        "qwen3_next",
        {
            **EXPERTS,
            "shared_expert_intermediate_size": 40,
            "full_attention_interval": 3,
            "head_dim": 8,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
        },
        adds=(),
    ),
    "ernie4-5-moe": Family(
        "ernie4_5_moe",
        {"moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 24, "moe_num_shared_experts": 1, "use_bias": True},
    ),
    "afmoe": Family(
        "afmoe",
        {**EXPERTS, "num_shared_experts": 1, "num_dense_layers": 1, "sliding_window": 8, "head_dim": 8},
        adds=("post_attention_layernorm", "post_mlp_layernorm"),
        left_out=("layer_types",),
    ),
    "olmoe": Family("olmoe", {"num_experts": 4, "num_experts_per_tok": 2}),
    "granitemoe": Family(
        "granitemoe", {"num_local_experts": 4, "num_experts_per_tok": 2}, adds=("self_attn", "block_sparse_moe")
    ),
    "recurrent-gemma": Family(
        "recurrent_gemma",
        {"block_types": ["recurrent", "recurrent", "attention"], "attention_window_size": 8, "lru_width": 32},
        adds=("temporal_block", "mlp_block"),
    ),
    "nemotron": Family("nemotron", {"head_dim": 8}),
    "mpt": Family(
        "mpt",
        {"n_layers": LAYERS, "n_heads": 4, "max_seq_len": 64},
        sizes={"vocab_size": 64, "d_model": 32},
        adds=("attn", "ffn.down_proj"),
    ),
    "glm": Family("glm", {"head_dim": 8, "attention_bias": True}),
    "bamba": Family(
        "bamba",
        {
            "attn_layer_indices": [1, 4],
            "mamba_n_heads": 4,
            "mamba_d_head": 16,
            "mamba_d_state": 8,
            "mamba_chunk_size": 8,
            "mamba_n_groups": 1,
        },
        adds=(),
    ),
    "jetmoe": Family("jetmoe", {"num_local_experts": 4, "num_experts_per_tok": 2, "kv_channels": 8}, adds=()),
    "gpt2": Family("gpt2", sizes=GPT_SIZES, adds=("attn", "mlp")),
    "gptj": Family("gptj", {"rotary_dim": 4}, sizes=GPT_SIZES, adds=("attn", "mlp")),
    "gpt-neo": Family(
        "gpt_neo",
        {"attention_types": [[["global", "local"], 3]], "num_layers": LAYERS, "num_heads": 4, "window_size": 8},
        adds=("attn", "mlp"),
    ),
    "gpt-neox": Family("gpt_neox", {"use_parallel_residual": True}, adds=("attention", "mlp")),
    "bloom": Family(
        "bloom",
        {"n_layer": LAYERS, "n_head": 4},
        sizes={"vocab_size": 64, "hidden_size": 32},
        adds=("self_attention.dense", "mlp.dense_4h_to_h"),
    ),
    "falcon": Family("falcon", {"bias": True, "alibi": False}, adds=("self_attention", "mlp")),
    "opt": Family("opt", {"ffn_dim": 48, "word_embed_proj_dim": 32}, adds=("self_attn", "fc2")),
}


REPRESENTATIVE = frozenset(
    (
        *("llama-biased", "qwen3", "qwen3-moe", "gemma2", "gemma3", "gpt-oss", "smollm3", "mixtral", "deepseek-v3"),
        *("lfm2", "llama4", "qwen3-next", "bamba", "recurrent-gemma", "granite", "gpt2", "falcon", "opt", "mpt"),
    )
)
"""A family for each way in which layers, lists, norms, biases and experts are laid out."""


def every_family(*rest: Any, always: Collection[str] = REPRESENTATIVE) -> list[Any]:
    """Parameters for a test: all families, those outside `always` under `make stress`.

    rest: values of further parameters, the same for all.
    """
    marks = {name: () if name in always else pytest.mark.stress for name in FAMILIES}
    return [pytest.param(name, *rest, marks=marks[name]) for name in FAMILIES]


def write_checkpoint(name: str, directory: Path) -> None:
    """Write a checkpoint of the family. Biases and gains are random, so that nothing hides behind 0 and 1."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(len(name))
    model = AutoModelForCausalLM.from_config(FAMILIES[name].config()).float()
    with torch.no_grad():
        for parameter in model.parameters():
            spread = 0.3 if parameter.dim() == 1 else 0.15
            centre = 0.6 if parameter.dim() == 1 else 0.0
            parameter.normal_(centre, spread)
    model.save_pretrained(directory)


CheckpointOf = Callable[[str], Path]
"""From a family's name to its checkpoint, written once a session. No test may write to it."""
