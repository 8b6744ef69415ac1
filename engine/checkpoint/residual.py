"""The tensors of a layer that write into the residual stream, and the norms after them.

Derived from names and shapes, so that a new family needs no table; layers that are not understood are refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.checkpoint.checkpoint import FLOAT_DTYPES, Checkpoint
from engine.checkpoint.formats.format import StoredTensor
from engine.errors import CheckpointError, shown

_HIDDEN_SIZE_KEYS = ("hidden_size", "n_embd", "d_model", "model_dim")

_WRITER = (
    r"(?:^|\.)(?:o_proj|out_proj|wo|dense|c_proj|linear_out|Wo|dense_4h_to_h|down_proj|fc2|fc_out|w2|output_linear|proj_2)$"
    r"|^attention\.output$|^feed_forward\.value$"
)
"""Modules whose output is added to the stream, the last two in RWKV."""

_NORM = r"norm\d*$|norm_\d+$|^ln_?\d*$"
_ROUTER = r"(gate|router|bias|indexer)$"
_ATTENTION = r"att|mamba|mixer|conv|temporal|recurrent|norm_attn_norm"

_NOT_ADDITIVE = r"altup|laurel|per_layer|layer_scalar|_hc(\.|$)|_residual(\.|_|$)|(^|\.)hc_|sconv|_convolution\."
"""Marks of layers that do more to the stream than add to it (Gemma 3n and 4, hyper-connections, Doge, Zaya)."""
_NOT_ADDITIVE_KEYS = ("swin_norm", "apply_residual_connection_post_layernorm", "full_attn_alpha_factor")

_PASSES_ON: Mapping[str, str] = {"zero_expert_num": "experts that pass the stream on as it is"}
"""Keys that give a layer a path around everything that can be scaled, where they are not 0."""
_CLASS_DEFAULTS: Mapping[str, Mapping[str, int]] = {"zero_expert_num": {"longcat_flash": 256}}
"""Defaults of transformers' classes for keys that config.json omits."""

_NORMS_AFTER = (
    ({"post_self_attn_layernorm", "post_mlp_layernorm"}, ("post_self_attn_layernorm", "post_mlp_layernorm")),
    (
        {"pre_feedforward_layernorm", "post_feedforward_layernorm"},
        ("post_attention_layernorm", "post_feedforward_layernorm"),
    ),
    ({"pre_mlp_layernorm", "post_mlp_layernorm"}, ("post_attention_layernorm", "post_mlp_layernorm")),
    ({"post_norm1", "post_norm2"}, ("post_norm1", "post_norm2")),
    ({"post_operator_norm", "post_ffn_norm"}, ("post_operator_norm", "post_ffn_norm")),
)
"""A set of norms that a layer has, and its norms after attention and after the MLP in that case."""
_POST_NORMS_ONLY = ("post_attention_layernorm", "post_feedforward_layernorm")
"""OLMo 2 and EXAONE 4 have only these two: both are post-norms."""

_STORES_GAIN_MINUS_ONE = r"gemma[23](_text)?|muse_(glimmer|spark)_text"


@dataclass(frozen=True, slots=True)
class _LayerTensor:
    suffix: str
    module: str
    """The suffix without `.weight` or `.bias`."""
    tensor: StoredTensor

    @property
    def block(self) -> str:
        """The part of the layer it belongs to: "self_attn", "mlp.experts"; "" for a matrix of the layer itself."""
        parts = self.module.split(".")
        experts = [depth for depth, part in enumerate(parts) if "expert" in part and not re.search(_ROUTER, part)]
        if experts:
            return ".".join(parts[: experts[-1] + 1])
        return parts[0] if len(parts) > 1 else ""


def residual_writers(checkpoint: Checkpoint, layer: int) -> tuple[str, ...]:
    """Suffixes of the tensors (weights and biases) whose output is added to the residual stream.

    Raises CheckpointError when a part of the layer has matrices but nothing known that writes, when the layer does
    more to the stream than add to it, or when what writes is quantised.
    """
    tensors = _additive_layer(checkpoint, layer)
    _refuse_paths_around(checkpoint, layer)
    writers = [each for each in tensors if _writes(each, checkpoint)]
    _check_every_block_writes(checkpoint, layer, tensors, writers)
    for writer in writers:
        if writer.tensor.dtype not in FLOAT_DTYPES:
            raise _not_understood(checkpoint, layer, f"{shown(writer.suffix)} is stored as {writer.tensor.dtype}")
    return tuple(writer.suffix for writer in writers)


def norms_after(checkpoint: Checkpoint, layer: int) -> Mapping[str, tuple[str, ...]]:
    """Suffix of each residual writer that a norm follows (Gemma 2/3, OLMo 2) to the suffixes of that norm's tensors.

    Raises CheckpointError when the layer does more to the stream than add to it.
    """
    tensors = _additive_layer(checkpoint, layer)
    norms = _by_norm(tensors)
    behind = _attention_and_mlp_norms(set(norms))
    if behind is None:
        return {}
    attention, mlp = behind
    return {
        each.suffix: tuple(norms[attention if re.search(_ATTENTION, each.module.split(".")[0]) else mlp])
        for each in tensors
        if _writes(each, checkpoint)
    }


def gain_offset(checkpoint: Checkpoint) -> float:
    """1.0 where norms store gain - 1 (Gemma), else 0.0."""
    return 1.0 if re.fullmatch(_STORES_GAIN_MINUS_ONE, checkpoint.config.model_type) else 0.0


def _additive_layer(checkpoint: Checkpoint, layer: int) -> list[_LayerTensor]:
    for key in _NOT_ADDITIVE_KEYS:
        if checkpoint.config.decoder.get(key):
            raise _not_understood(checkpoint, layer, f"config.json sets `{key}`")
    tensors = list(_layer_tensors(checkpoint, layer))
    for each in tensors:
        if re.search(_NOT_ADDITIVE, each.suffix):
            raise _not_understood(checkpoint, layer, f"{shown(each.suffix)} changes the stream in another way")
    return tensors


def _refuse_paths_around(checkpoint: Checkpoint, layer: int) -> None:
    config = checkpoint.config
    for key, what in _PASSES_ON.items():
        if config.decoder.get(key, _CLASS_DEFAULTS[key].get(config.model_type)):
            raise _cannot_be_scaled(checkpoint, layer, f"config.json gives it {what} (`{key}`)")


def _layer_tensors(checkpoint: Checkpoint, layer: int) -> Iterator[_LayerTensor]:
    for suffix, tensor in zip(checkpoint.anatomy.layers[layer], checkpoint.layer_tensors(layer), strict=True):
        yield _LayerTensor(suffix, re.sub(r"(\.weight|\.bias|_bias)$", "", suffix), tensor)


def _writes(each: _LayerTensor, checkpoint: Checkpoint) -> bool:
    if _is_norm(each) or not re.search(_WRITER, each.module):
        return _is_shared_bias(each, checkpoint)
    return _ends_in_stream(each, checkpoint)


def _is_shared_bias(each: _LayerTensor, checkpoint: Checkpoint) -> bool:
    prefix, dot, last = each.suffix.rpartition(".")
    beside = each.tensor.name[: -len(each.suffix)] + f"{prefix}.output_linear.weight"
    return bool(dot) and last == "bias" and beside in checkpoint.tensors


def _ends_in_stream(each: _LayerTensor, checkpoint: Checkpoint) -> bool:
    """Return True if the output is as wide as the stream: rows (Linear), columns (Conv1D), either (fused experts)."""
    width, shape = _hidden_size(checkpoint), each.tensor.shape
    if width is None or not shape:
        return True
    if len(shape) == 2 and each.suffix.endswith(".weight") and not each.module.endswith("c_proj"):
        return shape[0] == width
    return width in shape


def _hidden_size(checkpoint: Checkpoint) -> int | None:
    sizes = (checkpoint.config.decoder.get(key) for key in _HIDDEN_SIZE_KEYS)
    return next((size for size in sizes if type(size) is int), None)


def _check_every_block_writes(
    checkpoint: Checkpoint, layer: int, tensors: list[_LayerTensor], writers: list[_LayerTensor]
) -> None:
    reading = {each.block for each in tensors if _is_matrix(each) and not _is_norm(each)}
    for block in sorted(reading):
        if not any(writer.block == block or (block and writer.block.startswith(f"{block}.")) for writer in writers):
            raise _not_understood(checkpoint, layer, f"nothing known in {shown(block) or 'it'} writes to the stream")


def _is_matrix(each: _LayerTensor) -> bool:
    return len(each.tensor.shape) > 1 and not re.search(_ROUTER, each.module)


def _is_norm(each: _LayerTensor) -> bool:
    first = each.module.split(".")[0]
    return re.search(_NORM, first) is not None and first != "norm_attn_norm"


def _by_norm(tensors: list[_LayerTensor]) -> dict[str, list[str]]:
    """Suffixes of the layer's own norms, by module."""
    suffixes: dict[str, list[str]] = defaultdict(list)
    for each in tensors:
        if _is_norm(each):
            suffixes[each.module].append(each.suffix)
    return dict(suffixes)


def _attention_and_mlp_norms(names: set[str]) -> tuple[str, str] | None:
    if names == set(_POST_NORMS_ONLY):
        return _POST_NORMS_ONLY
    return next((behind for needed, behind in _NORMS_AFTER if needed <= names and set(behind) <= names), None)


def _not_understood(checkpoint: Checkpoint, layer: int, why: str) -> CheckpointError:
    family = shown(checkpoint.config.model_type)
    why = f"{why}; what writes to the residual stream of {family} is not understood"
    return _cannot_be_scaled(checkpoint, layer, why)


def _cannot_be_scaled(checkpoint: Checkpoint, layer: int, why: str) -> CheckpointError:
    return CheckpointError(
        f"layer {layer} of {checkpoint.reference} cannot be scaled", why=why, fix="Stack these layers without scales."
    )
