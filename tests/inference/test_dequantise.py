from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.errors import CheckpointError, MachineError
from engine.inference import dequantise as room
from engine.tasks.demo_model import dequantise

HIDDEN, HEADS, VOCAB = 64, 2, 259


def write_gguf(path: Path) -> dict[str, np.ndarray]:
    """A llama of one layer in Q8_0, with a byte-level tokenizer."""
    writer = gguf.GGUFWriter(str(path), "llama")
    for key, value in {"block_count": 1, "context_length": 64, "embedding_length": HIDDEN}.items():
        getattr(writer, f"add_{key}")(value)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCAB)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["<s>", "</s>", "\u0100\u0101", *map(chr, range(0x100, 0x100 + VOCAB - 3))])
    writer.add_token_merges(["\u0100 \u0101"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    random = np.random.default_rng(0)
    matrices = {"token_embd": (VOCAB, HIDDEN), "output": (VOCAB, HIDDEN)}
    matrices |= {f"blk.0.{name}": (HIDDEN, HIDDEN) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
    matrices |= {f"blk.0.{name}": (HIDDEN, HIDDEN) for name in ("ffn_gate", "ffn_up", "ffn_down")}
    unpacked = {}
    for name, shape in matrices.items():
        packed = gguf.quantize(random.normal(size=shape).astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(f"{name}.weight", packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        unpacked[name] = gguf.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(HIDDEN, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return unpacked


def test_weights_are_unpacked_to_bf16_together_with_the_tokenizer(tmp_path: Path) -> None:
    unpacked = write_gguf(tmp_path / "model.gguf")
    dequantise(tmp_path / "model.gguf", tmp_path / "out")
    tensors = load_file(tmp_path / "out" / "model.safetensors")
    for ours, theirs in (("model.layers.0.mlp.down_proj", "blk.0.ffn_down"), ("lm_head", "output")):
        assert torch.equal(tensors[f"{ours}.weight"], torch.from_numpy(unpacked[theirs]).to(torch.bfloat16))
    assert (tmp_path / "out" / "tokenizer.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.gguf", "out"]


def test_a_file_that_is_not_gguf_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"not a gguf file at all")
    with pytest.raises(CheckpointError, match="model.gguf"):
        room.dequantise({"gguf": str(tmp_path / "model.gguf"), "out": str(tmp_path / "out")})
    assert [path.name for path in tmp_path.iterdir()] == ["model.gguf"]


def test_an_existing_output_is_not_touched(tmp_path: Path) -> None:
    write_gguf(tmp_path / "model.gguf")
    (tmp_path / "out").mkdir()
    with pytest.raises(MachineError, match="exists"):
        dequantise(tmp_path / "model.gguf", tmp_path / "out")
