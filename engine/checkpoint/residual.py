"""Which tensors of a layer write into the residual stream, and which norms stand behind them."""

from collections.abc import Mapping

from engine.checkpoint.checkpoint import Checkpoint


def residual_writers(checkpoint: Checkpoint, layer: int) -> tuple[str, ...]:
    """Suffixes of the tensors (weights and biases) whose output is added to the residual stream."""
    raise NotImplementedError


def norms_behind(checkpoint: Checkpoint, layer: int) -> Mapping[str, tuple[str, ...]]:
    """For each residual writer that a norm follows (Gemma 2/3, OLMo 2): the suffixes of that norm's tensors."""
    raise NotImplementedError


def gain_offset(checkpoint: Checkpoint) -> float:
    """1.0 where norms store gain - 1 (Gemma), else 0.0."""
    raise NotImplementedError
