"""Stacks, their merges and their generations for the tests of this room."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.residual import residual_writers
from engine.plan.stack import Donor, FactorLevel, Stack, Visit
from engine.tasks.merge import MergeOptions, merge

ODD_JUMP = (0, 1, 2, 3, 1, 2, 2, 3, 4, 5)
"""Jumps back by three, so that places of even and odd number swap, and repeats a layer at once."""
TOKENS = torch.randint(3, 64, (2, 28), generator=torch.Generator().manual_seed(7))
"""Longer than three sliding windows."""
PROMPT = TOKENS[:, :16]
"""Two windows, so that the third begins while tokens are generated."""


def stack_of(
    source: Path, layers: Sequence[int] = ODD_JUMP, scales: Mapping[int, float] | None = None, **settings: Any
) -> Stack:
    """A stack of these layers; `scales` gives places of it the factor for everything that writes to the stream."""
    checkpoint, seen = open_checkpoint(source), Counter[int]()
    visits = []
    for place, layer in enumerate(layers):
        levels = () if place not in (scales or {}) else (_level(checkpoint, layer, scales[place]),)
        visits.append(Visit.whole(checkpoint, layer, seen[layer], levels))
        seen[layer] += 1
    return Stack(tuple(visits), Donor(checkpoint), Donor(checkpoint), checkpoint, **settings)


def _level(checkpoint: Checkpoint, layer: int, factor: float) -> FactorLevel:
    names = [checkpoint.anatomy.layer_tensor(layer, suffix) for suffix in residual_writers(checkpoint, layer)]
    return tuple((name, factor) for name in names)


def merged(stack: Stack, out: Path, dtype: Any = "auto") -> Any:
    """What transformers makes of the merged checkpoint, on its own."""
    merge(stack, "slices: []\n", out, MergeOptions(load_check=False))
    return AutoModelForCausalLM.from_pretrained(out, dtype=dtype).eval()


def logits(model: Any, tokens: torch.Tensor = TOKENS) -> torch.Tensor:
    with torch.inference_mode():
        result = model(tokens, use_cache=False).logits
    assert torch.isfinite(result).all()
    return result


def generated(model: Any, new_tokens: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [B, T] and the logits [B, new, V] that chose them, greedily, with the cache."""
    greedy = {"do_sample": False, "max_new_tokens": new_tokens, "min_new_tokens": new_tokens, "pad_token_id": 0}
    with torch.inference_mode():
        result = model.generate(PROMPT, **greedy, use_cache=True, return_dict_in_generate=True, output_logits=True)
    return result.sequences, torch.stack(result.logits, dim=1)


def edit_config(directory: Path, **keys: Any) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, **keys}))
