"""A checkpoint in a few figures, for lists of models."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from engine.checkpoint.attention import Attention, attention_of
from engine.checkpoint.checkpoint import Checkpoint


@dataclass(frozen=True)
class ModelSummary:
    """One checkpoint of a list; everything but reference and problem is None where it cannot be opened."""

    reference: str
    architecture: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    parameters: int | None = None
    bytes: int | None = None
    dtype: str | None = None
    """The dtype of most bytes."""
    tied: bool | None = None
    """Value of tie_word_embeddings; None if the config leaves it to the family."""
    attention: str | None = None
    """Description: "all full", "5 sliding, 1 full, and so on"; None if unknown."""
    problem: str | None = None


def summary_of(checkpoint: Checkpoint) -> ModelSummary:
    """Reads nothing but what is open already."""
    config = checkpoint.config
    hidden_size = config.decoder.get("hidden_size", config.decoder.get("n_embd"))
    attention = attention_of(config)
    return ModelSummary(
        reference=checkpoint.reference,
        architecture=config.model_type or None,
        layers=checkpoint.layer_count,
        hidden_size=hidden_size if isinstance(hidden_size, int) else None,
        parameters=checkpoint.parameters,
        bytes=checkpoint.nbytes,
        dtype=_main_dtype(checkpoint),
        tied=config.ties_embeddings,
        attention=attention_text(attention) if attention else None,
    )


def attention_text(attention: Attention) -> str:
    """The layers' kinds: "all full", "28 full, then 4 sliding", or the start of their pattern and the totals."""
    names = [kind.removesuffix("_attention") for kind in attention.kinds]
    runs = [f"{len(list(group))} {name}" for name, group in groupby(names)]
    kinds = Counter(names)
    window = f"; sliding over {attention.window:,} tokens" if attention.window and "sliding" in kinds else ""
    if len(kinds) == 1:
        return f"all {names[0]}{window}"
    if len(runs) <= _MOST_RUNS:
        return f"{', then '.join(runs)}{window}"
    totals = " and ".join(f"{number} {name}" for name, number in kinds.items())
    return f"{', '.join(runs[: len(kinds)])}, and so on: {totals}{window}"


_MOST_RUNS = 3
"""Maximum number of runs that are listed."""


def _main_dtype(checkpoint: Checkpoint) -> str | None:
    by_dtype: Counter[str] = Counter()
    for tensor in checkpoint.tensors.values():
        by_dtype[tensor.dtype] += tensor.nbytes
    return by_dtype.most_common(1)[0][0] if by_dtype else None
