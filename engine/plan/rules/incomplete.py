"""incomplete: a checkpoint that seems to have lost tensors.

Severity: error

Why: Converters lose tensors and whole shards and leave an index that knows nothing of them. transformers fills such
places with random numbers, and every copy of the layer has them too. Where transformers has been asked, rule `loads`
says what it finds; without it layers are compared with one another: one that lacks what all others of its kind have, or
has it in another shape, and a language head that is neither there nor tied to the embeddings.

Source: AReaL #1403, a converter that drops shards; each case rebuilt for this project.

Example: `"tie_word_embeddings": false` and no `lm_head.weight`.

Remedy: Use an intact copy, or convert the checkpoint again.
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

_SEES = re.compile(r"vision|visual|image|img|patch|vit|clip|siglip", re.IGNORECASE)
_CLASS_THAT_SEES = re.compile(r"For(ConditionalGeneration|ImageTextToText|VisionText\w+)$")
_MOST_NAMED = 3


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        if facts.is_opened(checkpoint):
            continue  # transformers knows better
        gaps = [gap for gap in gaps_in(checkpoint) if facts.takes(checkpoint, gap.layer)]
        if gaps:
            fix = "Use an intact copy, or convert it again: transformers would make these weights up."
            yield Problem("incomplete", Severity.ERROR, f"{reference} {_told(gaps)}", place, fix)
        elif lacks_its_tower(checkpoint):
            message = f"the class that config.json of {reference} names sees, and the weights have no vision tower"
            fix = "Use the config.json that these weights were saved with, or the whole checkpoint."
            yield Problem("incomplete", Severity.ERROR, message, place, fix)


def _told(gaps: list[Gap]) -> str:
    lost = [gap.name for gap in gaps if gap.shape is None]
    odd = [f"{shown(gap.name)} is {gap.shape}, in the other layers {gap.usual}" for gap in gaps if gap.shape]
    missing = [f"lacks {plural(len(lost), 'tensor')}: {named(lost)}"] if lost else []
    return "; ".join([*missing, *odd[:_MOST_NAMED]])


def lacks_its_tower(checkpoint: Checkpoint) -> bool:
    """A class that sees would make the tower up; one of text alone does not look for it."""
    data = checkpoint.config.data
    classes = data["architectures"] if isinstance(data.get("architectures"), list) else []
    sees = bool(data.get("vision_config")) and any(_CLASS_THAT_SEES.search(str(each)) for each in classes)
    return sees and not any(map(_SEES.search, checkpoint.tensors))
