"""What a plan visits, as text: "0-16 12-29", with a factor where visits are scaled: "0-16 12-16*0.5 17-29"."""

from collections.abc import Iterable
from itertools import groupby

from engine.inference.wavefront.visits import Step


def visits_text(visits: Iterable[Step]) -> str:
    """The same for plans that compute the same, different for others: the name of their figures in the store."""
    runs = groupby(enumerate(visits), key=lambda pair: (pair[1].layer - pair[0], pair[1].scale))
    return " ".join(_run_text([step for _, step in run]) for _, run in runs)


def _run_text(steps: list[Step]) -> str:
    first, last = steps[0], steps[-1]
    layers = str(first.layer) if first == last else f"{first.layer}-{last.layer}"
    return layers if first.scale == 1 else f"{layers}*{first.scale!r}"
