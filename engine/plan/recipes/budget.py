"""How much a recipe may add."""

from engine.checkpoint.checkpoint import Checkpoint


def layers_for_growth(checkpoint: Checkpoint, share: float) -> int:
    """How many layers add about `share` of the checkpoint's bytes; at least one."""
    layer_bytes = sum(tensor.nbytes for tensor in checkpoint.layer_tensors(checkpoint.layer_count // 2))
    return max(1, round(share * checkpoint.nbytes / layer_bytes))
