"""Trains a small model of another family and depth than SmolLM2, to see which metric holds there, too.

    python -m tests.calibration qwen3 OUT TEXT...

OUT gets the checkpoint, and beside it OUT.held-out.txt: the last part of each text, which it has not seen. Some ten
minutes on one core. docs/metrics.md says what came of it.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

SETTINGS: dict[str, dict[str, Any]] = {
    "qwen3": {
        "num_hidden_layers": 16,
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "tie_word_embeddings": True,
    },
    "gpt_neox": {
        "num_hidden_layers": 10,
        "hidden_size": 160,
        "intermediate_size": 640,
        "num_attention_heads": 5,
        "use_parallel_residual": False,
    },
}
VOCABULARY, CONTEXT = 1024, 256
END = "<|endoftext|>"
STEPS, BATCH, TOKENS = 1200, 8, 128
WARM_UP, PEAK_RATE = 40, 3e-3
HELD_OUT = 0.15
SEED = 1


def main(family: str, out: Path, texts: list[Path]) -> None:
    torch.manual_seed(SEED)
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(
            family, vocab_size=VOCABULARY, max_position_embeddings=CONTEXT, **SETTINGS[family], dtype="float32"
        )
    )
    seen, unseen = zip(*map(parted, texts), strict=True)
    tokenizer = tokenizer_for(seen)
    train(model, torch.tensor([token for text in seen for token in tokenizer.encode(text).ids]))
    model.save_pretrained(out)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END).save_pretrained(out)
    out.with_name(f"{out.name}.held-out.txt").write_text("\n".join(unseen))


def parted(text: Path) -> tuple[str, str]:
    """What is trained on, and what is held out; cut where a line ends."""
    whole = text.read_text()
    cut = whole.index("\n", int(len(whole) * (1 - HELD_OUT))) + 1
    return whole[:cut], whole[cut:]


def tokenizer_for(texts: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train(model: Any, tokens: torch.Tensor) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.1)
    for step, batch in zip(range(STEPS), batches(tokens), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step)
        loss = model(input_ids=batch, labels=batch).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0:
            print(f"step {step}: {loss.item():.3f} nats a token", flush=True)


def batches(tokens: torch.Tensor) -> Iterator[torch.Tensor]:
    while True:
        starts = torch.randint(len(tokens) - TOKENS, (BATCH,))
        yield torch.stack([tokens[start : start + TOKENS] for start in starts])


def rate(step: int) -> float:
    """Warm-up, then a cosine to a tenth."""
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    return PEAK_RATE * (0.55 + 0.45 * math.cos(math.pi * (step - WARM_UP) / (STEPS - WARM_UP)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [Path(text) for text in sys.argv[3:]])
