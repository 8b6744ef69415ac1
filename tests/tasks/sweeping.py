"""Sweeps asked of the task, on the tiny model."""

import json
from pathlib import Path

from engine.checkpoint.checkpoint import open_checkpoint
from engine.plan.spaces import blocks


def as_plans(found):
    """The plans of a space, as a request has them."""
    return [
        {"name": plan.name, "text": plan.text, "block": plan.block and list(plan.block), "scale": plan.scale}
        for plan in found
    ]


def blocks_of(model: Path, width: int = 2, scales=(1.0,)):
    return as_plans(blocks.plans(open_checkpoint(model), blocks.Options(width, scales)))


PROBE_ITEMS = (
    {"prompt": "one two", "choices": ["three", "ten", "a"], "answer": 0},
    {"prompt": "The end ", "choices": ["is near", "was"], "answer": "was"},
    {"prompt": "abc", "answer": "d"},
    {"prompt": "A longer question, with more of it?", "choices": ["yes", "no"], "answer": 1},
)


def write_probe(file: Path, items=PROBE_ITEMS) -> Path:
    file.write_text("".join(json.dumps(item) + "\n" for item in items))
    return file
