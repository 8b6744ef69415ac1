"""Tiny checkpoints written by hand: no torch, milliseconds, every byte known."""

import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DTYPE_BYTES = {"F32": 4, "BF16": 2, "F16": 2}

Shapes = Mapping[str, tuple[int, ...]]


def llama_layer_shapes(hidden: int, intermediate: int) -> dict[str, tuple[int, ...]]:
    square = (hidden, hidden)
    return {
        "input_layernorm.weight": (hidden,),
        "self_attn.q_proj.weight": square,
        "self_attn.k_proj.weight": square,
        "self_attn.v_proj.weight": square,
        "self_attn.o_proj.weight": square,
        "post_attention_layernorm.weight": (hidden,),
        "mlp.gate_proj.weight": (intermediate, hidden),
        "mlp.up_proj.weight": (intermediate, hidden),
        "mlp.down_proj.weight": (hidden, intermediate),
    }


def llama_shapes(layers: int, hidden: int, intermediate: int, vocab: int, *, tied: bool) -> dict[str, tuple[int, ...]]:
    layer = llama_layer_shapes(hidden, intermediate)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, hidden)}
    shapes |= {f"model.layers.{n}.{suffix}": shape for n in range(layers) for suffix, shape in layer.items()}
    shapes["model.norm.weight"] = (hidden,)
    return shapes if tied else shapes | {"lm_head.weight": (vocab, hidden)}


def llama_config(layers: int, hidden: int, intermediate: int, vocab: int, *, tied: bool) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "num_hidden_layers": layers,
        "rms_norm_eps": 1e-05,
        "tie_word_embeddings": tied,
        "vocab_size": vocab,
    }


def write_llama(
    directory: Path,
    *,
    layers: int = 6,
    hidden: int = 8,
    intermediate: int = 16,
    vocab: int = 16,
    tied: bool = False,
    shards: int = 1,
    dtype: str = "F32",
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """A llama checkpoint of random bytes in `directory`; `config` overrides keys of its config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = llama_config(layers, hidden, intermediate, vocab, tied=tied) | dict(config or {})
    (directory / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    write_weights(directory, llama_shapes(layers, hidden, intermediate, vocab, tied=tied), shards, dtype, seed)
    return directory


def write_weights(directory: Path, shapes: Shapes, shards: int = 1, dtype: str = "F32", seed: int = 0) -> None:
    """Random tensors of these shapes as one file, or as shards with an index."""
    if shards == 1:
        write_safetensors(directory / "model.safetensors", shapes, dtype, seed)
        return
    names = list(shapes)
    size = math.ceil(len(names) / shards)
    weight_map = {}
    for number in range(shards):
        part = {name: shapes[name] for name in names[number * size : (number + 1) * size]}
        shard = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        write_safetensors(directory / shard, part, dtype, seed + number)
        weight_map |= dict.fromkeys(part, shard)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


def write_safetensors(path: Path, shapes: Shapes, dtype: str = "F32", seed: int = 0) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, shape in shapes.items():
        nbytes = math.prod(shape) * DTYPE_BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, position + nbytes]}
        position += nbytes
    path.write_bytes(safetensors_bytes(header, _finite_bytes(position, seed)))


def safetensors_bytes(header: Any, data: bytes) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def _finite_bytes(count: int, seed: int) -> bytes:
    """Random bytes that are small finite numbers in every float dtype: the high byte of each pair is 0x3c."""
    noise = bytearray(random.Random(seed).randbytes(count))
    noise[1::2] = b"\x3c" * len(noise[1::2])
    return bytes(noise)
