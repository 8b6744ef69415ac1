"""What a config says of lengths."""

from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint.attention import attention_window, context_length, require_context
from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import UsageError
from tests.tiny import write_llama


@pytest.mark.parametrize(
    ("config", "context", "window"),
    [
        ({}, None, None),
        ({"max_position_embeddings": 64}, 64, None),
        ({"n_positions": 32}, 32, None),
        ({"max_position_embeddings": 64, "sliding_window": 16}, 64, 16),
        ({"sliding_window": 16, "use_sliding_window": False}, None, None),
        ({"sliding_window": 16, "layer_types": ["full_attention"] * 6}, None, None),
        ({"sliding_window": 16, "layer_types": ["sliding_attention"] * 6}, None, 16),
        ({"max_position_embeddings": None, "sliding_window": None}, None, None),
    ],
)
def test_context_and_window_are_read_from_the_config(
    config: dict[str, Any], context: int | None, window: int | None, tmp_path: Path
) -> None:
    checkpoint = open_checkpoint(write_llama(tmp_path / "model", config=config))
    assert (context_length(checkpoint), attention_window(checkpoint)) == (context, window)


def test_sequences_beyond_the_context_are_refused_before_the_model_is_opened(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(write_llama(tmp_path / "model", config={"max_position_embeddings": 64}))
    require_context(checkpoint, 64)
    with pytest.raises(UsageError, match=r"they have 65 tokens, the model was made for 64\nUse --seq-len 64 or less"):
        require_context(checkpoint, 65)
