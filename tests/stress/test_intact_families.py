"""No class that transformers can build is said to have lost tensors, or to have the names of a training wrapper."""

import contextlib
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.config import parse_config
from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.gaps import gaps_in
from engine.checkpoint.wrappers import unwrapped, wrapping_of
from engine.errors import CheckpointError
from engine.plan.rules.incomplete import lacks_its_tower

MOST_SECONDS = 20
"""For one class; the largest take minutes even on the meta device."""
FEWEST_CLASSES = 150
"""Of which most can be built from their config's defaults, and have one stack of layers."""


class TooSlowError(Exception):
    """The class is left out."""


def parameters_of(config: Any, named: Any) -> dict[str, Any]:
    """Of a class built from its config's defaults; none where that does not work here."""
    signal.alarm(MOST_SECONDS)
    try:
        with torch.device("meta"):
            return dict(named(config()).named_parameters())
    except Exception:  # no defaults to build it from, another library, or too large
        return {}
    finally:
        signal.alarm(0)


def checkpoint_of_class(config: Any, named: Any, parameters: Mapping[str, Any]) -> Checkpoint:
    """As transformers would save the model: the names and shapes of its parameters, no weights."""
    shapes = {name: StoredTensor(name, "F32", tuple(each.shape), Path("m"), 0, 0) for name, each in parameters.items()}
    data = json.loads(config.to_json_string(use_diff=False)) | {"architectures": [named.__name__]}
    return Checkpoint(named.__name__, Path(), parse_config(json.dumps(data), Path("config.json")), unwrapped(shapes))


def findings(checkpoint: Checkpoint) -> list[object]:
    wrapped, _ = wrapping_of(checkpoint.tensors.values())
    lost = [*gaps_in(checkpoint), *checkpoint.surplus_of_lists]
    return [*lost, *([wrapped] if wrapped else []), *(["tower"] if lacks_its_tower(checkpoint) else [])]


@pytest.mark.stress
def test_no_intact_class_is_said_to_have_lost_anything() -> None:
    from transformers.models.auto import modeling_auto as auto

    def give_up(*_: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, give_up)
    found: dict[str, list[object]] = {}
    for mapping in (auto.MODEL_FOR_CAUSAL_LM_MAPPING, auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING):
        for config_class in mapping:
            named = mapping[config_class]
            if parameters := parameters_of(config_class, named):
                with contextlib.suppress(CheckpointError):  # an encoder-decoder, or several stacks of layers
                    found[named.__name__] = findings(checkpoint_of_class(config_class(), named, parameters))
    print(f"{len(found)} classes")
    assert {name: each for name, each in found.items() if each} == {}
    assert len(found) >= FEWEST_CLASSES
