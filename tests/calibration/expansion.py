"""Trains inert copies of SmolLM2's layers 10 to 21, all parameters with one learning rate, to see what training moves.

    python -m tests.calibration.expansion zeroed-middle SMOLLM2 OUT SEED TEXT...

zeroed-middle adds two runs of copies, interleave two copies after each layer. OUT/start gets the stack and OUT/trained
the trained checkpoint. Some fifteen minutes on one core. docs/comparing.md says what came of it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import dlec
from engine.checkpoint.checkpoint import open_checkpoint
from engine.plan.recipes import interleave, zeroed_middle

LAYERS = (10, 22)
STEPS, BATCH, TOKENS = 200, 2, 128
RATE, WARM_UP = 3e-4, 10
HELD_OUT, JUDGED = 0.15, 32


def main(recipe: str, base: Path, out: Path, seed: int, texts: list[Path]) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    (out / "plan.yaml").parent.mkdir(parents=True, exist_ok=True)
    (out / "plan.yaml").write_text(plan_of(recipe, base))
    dlec.merge(out / "plan.yaml", out / "start")
    model = AutoModelForCausalLM.from_pretrained(out / "start", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(out / "start")
    seen, unseen = split([torch.tensor(tokenizer(text.read_text())["input_ids"]) for text in texts])
    print(f"{recipe}, seed {seed}: held-out {judged(model, unseen):.4f} nats per token before", flush=True)
    train(model, seen)
    print(f"{recipe}, seed {seed}: held-out {judged(model, unseen):.4f} nats per token after", flush=True)
    model.save_pretrained(out / "trained")
    tokenizer.save_pretrained(out / "trained")


def plan_of(recipe: str, base: Path) -> str:
    checkpoint = open_checkpoint(base)
    if recipe == "interleave":
        return interleave.write(checkpoint, interleave.Options(LAYERS))
    return zeroed_middle.write(checkpoint, zeroed_middle.Options(LAYERS))


def split(texts: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens to train on, and the last part of each text."""
    cuts = [int(len(text) * (1 - HELD_OUT)) for text in texts]
    pairs = list(zip(texts, cuts, strict=True))
    return torch.cat([text[:cut] for text, cut in pairs]), torch.cat([text[cut:] for text, cut in pairs])


@torch.no_grad()
def judged(model: Any, tokens: torch.Tensor) -> float:
    """Mean loss of sequences that are spread evenly over the tokens, nats per token."""
    starts = torch.linspace(0, len(tokens) - TOKENS, JUDGED).long()
    losses = [model(input_ids=batch, labels=batch).loss for batch in (tokens[s : s + TOKENS][None] for s in starts)]
    return torch.stack(losses).mean().item()


def train(model: Any, tokens: torch.Tensor) -> None:
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.0)
    for step, batch in zip(range(STEPS), batches(tokens), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARM_UP)
        loss = model(input_ids=batch, labels=batch).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 20 == 0:
            print(f"step {step}: {loss.item():.3f} nats per token", flush=True)


def batches(tokens: torch.Tensor) -> Iterator[torch.Tensor]:
    while True:
        starts = torch.randint(len(tokens) - TOKENS, (BATCH,))
        yield torch.stack([tokens[start : start + TOKENS] for start in starts])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), [Path(text) for text in sys.argv[5:]])
