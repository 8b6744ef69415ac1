"""Small random models of every family that the installed transformers can build small, without a list of families.

A config starts from its class's defaults; sizes become small by the name of their key, sub-configs likewise, and lists
with an entry for each layer are left to the class or cut. What cannot be built so is told apart by an exception.
"""

import contextlib
import copy
import inspect
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

LAYERS = 7

_BY_NAME: Mapping[str, int] = {
    **dict.fromkeys(("vocab_size", "text_vocab_size", "padded_vocab_size"), 128),
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "embed_dim", "word_embed_proj_dim", "dim", "emb_dim"), 32),
    **dict.fromkeys(
        ("intermediate_size", "ffn_dim", "n_inner", "d_ff", "ffn_hidden_size", "intermediate_size_mlp"), 48
    ),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size", "expert_ffn_hidden_size"), 24),
    **dict.fromkeys(("num_attention_heads", "n_head", "num_heads", "n_heads"), 4),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers"), LAYERS),
    **dict.fromkeys(("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_k", "num_experts_per_token", "top_k_experts"), 2),
    **dict.fromkeys(("n_group", "topk_group", "moe_num_shared_experts", "n_shared_experts", "num_shared_experts"), 1),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"), 64),
    **dict.fromkeys(("sliding_window", "window_size", "attention_window_size", "attention_chunk_size"), 8),
    **dict.fromkeys(("kv_lora_rank", "qk_nope_head_dim", "v_head_dim", "head_dim", "attention_head_dim"), 8),
    **dict.fromkeys(
        ("linear_key_head_dim", "linear_value_head_dim", "index_head_dim", "hidden_size_per_layer_input"), 8
    ),
    **dict.fromkeys(
        ("mamba_d_state", "state_size", "ssm_state_size", "mamba_d_ssm", "mamba_chunk_size", "chunk_size"), 8
    ),
    **dict.fromkeys(("q_lora_rank", "lru_width"), 12),
    **dict.fromkeys(("qk_rope_head_dim", "rotary_dim", "linear_num_value_heads", "mamba_n_heads", "index_n_heads"), 4),
    **dict.fromkeys(
        ("linear_num_key_heads", "mamba_n_groups", "n_groups", "first_k_dense_replace", "num_dense_layers"), 1
    ),
    "mamba_d_head": 16,
    "mamba_head_dim": 16,
    "mamba_num_heads": 4,
    "vocab_size_per_layer_input": 128,
    "image_size": 28,
    "patch_size": 14,
    "out_hidden_size": 32,
    "projection_dim": 32,
    "depth": 2,
}
_TOKENS = ("pad_token_id", "bos_token_id", "eos_token_id", "image_token_id", "video_token_id", "image_token_index")
_OTHER_TOWERS = ("vision", "audio", "speech", "image", "qformer", "perceiver", "encoder")


class CannotBuildError(Exception):
    """The family cannot be made small by these rules."""


def families() -> list[str]:
    """Model types with a causal or an image-text model, in order."""
    from transformers.models.auto import modeling_auto

    mappings = (
        modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    )
    return sorted({family for mapping in mappings for family in mapping})


def small_model(family: str) -> Any:
    """A random model of the family with LAYERS decoder layers, float32, in eval mode. Raises CannotBuildError."""
    import torch

    torch.manual_seed(0)
    reasons = []
    for config in _configs(family):
        try:
            model = _built(family, config).float().eval()
            _require_small(model)
            _randomise(model)
            with torch.inference_mode():
                logits = model(torch.tensor([[3, 4, 5, 6]]), use_cache=False).logits
        except Exception as error:  # whatever a class raises for sizes that do not suit it
            reasons.append(f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}")
            continue
        if torch.isfinite(logits).all():
            return model
        reasons.append("computes NaN")
    raise CannotBuildError("; ".join(dict.fromkeys(reasons)) or "no config")


def _built(family: str, config: Any) -> Any:
    """The family's causal model, else the one that sees; a class of the text alone is given the text's config."""
    import transformers
    from transformers.models.auto import modeling_auto

    causal = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    named = causal[family] if family in causal else modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES[family]
    model_class = getattr(transformers, named if isinstance(named, str) else named[0])
    wanted = model_class.config_class
    own = config if wanted is None or isinstance(config, wanted) else config.get_text_config()
    return model_class._from_config(own)


def _configs(family: str) -> Iterator[Any]:
    """Configs to try in turn: fewer key-value heads than heads, then as many; lists left to the class, then cut; the
    rotary dimensions as the class divides them, then in the three parts of models that see."""
    from transformers import CONFIG_MAPPING

    try:
        config_class = CONFIG_MAPPING[family]
        defaults = config_class()
    except Exception as error:
        raise CannotBuildError(f"no default config: {type(error).__name__}") from error
    for variant in itertools.product((2, 4), (False, True), (None, [2, 1, 1], [1, 1, 0])):
        with contextlib.suppress(Exception):  # the next variant may suit the class
            yield config_class(**_small(defaults, _Variant(*variant)))


class _Variant(NamedTuple):
    key_value_heads: int
    keeps_lists: bool
    mrope_section: list[int] | None


def _small(config: Any, variant: _Variant, in_tower: bool = False) -> dict[str, Any]:
    """The arguments that make a small config of this one's class."""
    layers = 2 if in_tower else LAYERS
    accepted = set(inspect.signature(type(config).__init__).parameters) | set(config.to_dict())
    arguments: dict[str, Any] = {}
    for key, value in vars(config).items():
        if key.startswith("_") or key not in accepted:
            continue
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            tower = in_tower or any(word in key for word in _OTHER_TOWERS)
            arguments[key] = _small(value, variant, tower) | {"model_type": value.model_type}
        elif key in ("num_key_value_heads", "num_kv_heads", "n_kv_heads"):
            arguments[key] = variant.key_value_heads
        elif key in ("rope_parameters", "rope_scaling") and variant.mrope_section and not in_tower:
            arguments[key] = (value or {"rope_type": "default"}) | {"mrope_section": variant.mrope_section}
        elif key.endswith("attention_heads") and isinstance(value, int):
            arguments[key] = 4
        elif key == "head_dim" and hasattr(config, "qk_rope_head_dim"):
            arguments[key] = _BY_NAME["qk_rope_head_dim"]
        elif key in _BY_NAME and (isinstance(value, int) or key == "head_dim") and not isinstance(value, bool):
            size = _BY_NAME[key]
            arguments[key] = min(layers, size) if size == LAYERS else size
        elif key in _TOKENS and isinstance(value, int):
            arguments[key] = min(value, 2) if key.endswith(("pad_token_id", "bos_token_id", "eos_token_id")) else 120
        elif (
            isinstance(value, list)
            and len(value) >= layers
            and variant.keeps_lists
            and key.endswith(("types", "pattern"))
        ):
            arguments[key] = copy.deepcopy(value[:layers])
    return arguments


def _require_small(model: Any) -> None:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if parameters > 30_000_000:
        raise CannotBuildError(f"{parameters / 1e6:.0f} million parameters")


def _randomise(model: Any) -> None:
    """Random weights, biases and gains, so that nothing hides behind 0 and 1."""
    import torch

    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(0.6 + 0.3 * noise if parameter.dim() == 1 else 0.15 * noise)
