"""A checkpoint in a few figures, and how its layers attend."""

from pathlib import Path
from typing import Any

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.summary import ModelSummary, summary_of
from tests.tiny import write_llama


def summary(directory: Path, **config: Any) -> ModelSummary:
    return summary_of(open_checkpoint(write_llama(directory, dtype="BF16", config=config)))


def test_the_figures_are_those_of_config_and_headers(tmp_path: Path) -> None:
    found = summary(tmp_path)
    assert (found.architecture, found.layers, found.hidden_size, found.dtype) == ("llama", 6, 8, "BF16")
    assert found.bytes == 2 * (found.parameters or 0)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, None),
        ({"model_type": "mistral", "sliding_window": None}, "all full"),
        ({"model_type": "mistral", "sliding_window": 4096}, "all sliding; sliding over 4,096 tokens"),
        ({"sliding_window": 4096, "use_sliding_window": False}, "all full"),
        (
            {"layer_types": 2 * ["sliding_attention", "sliding_attention", "full_attention"], "sliding_window": 512},
            "2 sliding, 1 full, and so on: 4 sliding and 2 full; sliding over 512 tokens",
        ),
        ({"layer_types": 4 * ["full_attention"] + 2 * ["linear_attention"]}, "4 full, then 2 linear"),
        ({"model_type": "qwen3_next"}, "3 linear, then 1 full, then 2 linear"),
        ({"layer_types": "all of them"}, None),
    ],
)
def test_how_the_layers_attend_is_said_where_it_is_known(
    tmp_path: Path, config: dict[str, Any], said: str | None
) -> None:
    assert summary(tmp_path, **config).attention == said
