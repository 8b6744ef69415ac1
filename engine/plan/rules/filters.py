"""filters: a scale entry that reaches no tensor.

mergekit's filter is a plain substring of the input tensor's name and the first entry that matches wins. A regular
expression, a typo or an entry behind one without a filter therefore does nothing, silently.
"""

from collections.abc import Iterator

from engine.errors import shown
from engine.plan.model import ScaleEntry, ScaleLevel
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    for level, names in _levels_with_names(facts):
        yield from _check_level(level, names)


def _levels_with_names(facts: Facts) -> Iterator[tuple[ScaleLevel, set[str]]]:
    """Every scale setting once, with all the tensor names that it is asked about."""
    reach: dict[int, tuple[ScaleLevel, set[str]]] = {}
    for slice_ in facts.plan.slices:
        checkpoint = facts.checkpoints[slice_.model]
        layers = range(slice_.start, slice_.end)
        anatomy = checkpoint.anatomy
        names = {anatomy.layer_tensor(layer, suffix) for layer in layers for suffix in anatomy.layers[layer]}
        for level in (*slice_.levels, facts.plan.scale):
            if level:
                reach.setdefault(id(level), (level, set()))[1].update(names, anatomy.ends)
    yield from reach.values()


def _check_level(level: ScaleLevel, names: set[str]) -> Iterator[Problem]:
    taken_by_all: ScaleEntry | None = None
    for entry in level:
        if taken_by_all is not None:
            message = f"never reached: the entry on line {taken_by_all.place.line} already takes every tensor"
            fix = "The first match wins: put the entry without a filter last."
            yield Problem("filters", Severity.WARNING, message, entry.place, fix)
        elif entry.filter is None:
            taken_by_all = entry
        elif not any(entry.filter in name for name in names):
            message = f"filter `{shown(entry.filter)}` matches no tensor of this slice"
            yield Problem("filters", Severity.WARNING, message, entry.place, _remedy(entry.filter))


def _remedy(wanted: str) -> str:
    if any(sign in wanted for sign in "|*^$[]()\\"):
        return "A filter is a plain part of the tensor's name, not a pattern: write one entry for each name."
    return "A filter is a plain part of the tensor's name, e.g. `o_proj` or `layers.12.`."
