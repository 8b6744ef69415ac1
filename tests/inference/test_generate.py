from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.errors import CheckpointError
from engine.tasks.generate import generate
from tests.architectures import CheckpointOf


def test_each_checkpoint_continues_the_prompt_greedily(tiny_llama: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_llama), AutoModelForCausalLM.from_pretrained(tiny_llama)
    tokens = tokenizer("Once", return_tensors="pt")["input_ids"]
    for _ in range(5):
        tokens = torch.cat([tokens, model(tokens).logits[:, -1:].argmax(-1)], dim=1)
    wanted = tokenizer.decode(tokens[0, 4:], skip_special_tokens=True)
    assert generate([tiny_llama, tiny_llama], "Once", 5) == [wanted, wanted]


def test_a_checkpoint_without_tokenizer_is_one_clear_error(checkpoint_of: CheckpointOf) -> None:
    with pytest.raises(CheckpointError, match="cannot generate"):
        generate([checkpoint_of("llama")], "Once", 5)
