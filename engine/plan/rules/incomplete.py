"""incomplete: a checkpoint seems to lack tensors.

Severity: error

Why: Converters lose tensors and whole shards, and write an index without them. transformers initialises missing tensors
at random, in every copy of the layer. If transformers has opened the checkpoint, rule `loads` reports its findings;
otherwise layers are compared with one another: a layer that lacks a tensor that all others of its kind have, or has it
in another shape, and a language head that is neither stored nor tied to the embeddings.

Source: AReaL #1403, a converter that drops shards; each case reproduced for this project.

Example: `"tie_word_embeddings": false` and no `lm_head.weight`.

Fix: Use a complete copy, or convert the checkpoint again.
"""

import re
from collections.abc import Iterator

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.gaps import Gap, gaps_in
from engine.checkpoint.load_check import named
from engine.errors import shown
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.units import plural

_VISION_NAME = r"(?i)vision|visual|image|img|patch|vit|clip|siglip"
_VISION_CLASS = r"For(ConditionalGeneration|ImageTextToText|VisionText\w+)$"
_MOST_NAMED = 3


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        if facts.is_opened(checkpoint):
            continue  # rule `loads` reports the findings of transformers
        gaps = [gap for gap in gaps_in(checkpoint) if facts.takes(checkpoint, gap.layer)]
        if gaps:
            fix = "Use a complete copy, or convert it again: transformers would initialise these tensors at random."
            yield Problem("incomplete", Severity.ERROR, f"{reference} {_in_words(gaps)}", place, fix)
        elif lacks_its_tower(checkpoint):
            message = f"config.json of {reference} names a vision-language class, but the weights have no vision tower"
            fix = "Use the config.json of these weights, or the complete checkpoint."
            yield Problem("incomplete", Severity.ERROR, message, place, fix)


def _in_words(gaps: list[Gap]) -> str:
    lost = [gap.name for gap in gaps if gap.shape is None]
    odd = [f"{shown(gap.name)} is {gap.shape}, but {gap.usual} in the other layers" for gap in gaps if gap.shape]
    missing = [f"lacks {plural(len(lost), 'tensor')}: {named(lost)}"] if lost else []
    return "; ".join([*missing, *odd[:_MOST_NAMED]])


def lacks_its_tower(checkpoint: Checkpoint) -> bool:
    """Return True if the config names a vision-language class and the weights have no vision tower."""
    data = checkpoint.config.data
    classes = data["architectures"] if isinstance(data.get("architectures"), list) else []
    has_vision = bool(data.get("vision_config")) and any(re.search(_VISION_CLASS, str(each)) for each in classes)
    return has_vision and not any(re.search(_VISION_NAME, name) for name in checkpoint.tensors)
