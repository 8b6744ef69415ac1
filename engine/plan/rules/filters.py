"""filters: a scale entry that reaches no tensor, or more layers than it names.

Severity: warning

Why: A filter is a plain part of the input tensor's name, and the first entry that matches wins. A regular expression,
a typo, or an entry behind one without a filter does nothing, silently. One that ends with a number also matches every
number that begins with it.

Source: mergekit's behaviour, checked by running it.

Example: `scale: [{filter: "o_proj|down_proj", value: 0}]`; `scale: [{value: 1}, {filter: o_proj, value: 0}]`;
`{filter: layers.1, value: 0}` over `[0, 16]`, which means layers 10 to 15 too.

Remedy: One entry for each name; the entry without a filter last; a dot behind a number.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from engine.checkpoint.anatomy import Anatomy
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Plan, ScaleEntry, ScaleLevel, Slice
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    names = _Names(facts.checkpoints)
    correct: set[tuple[object, ...]] = set()
    for level, slices in _levels_with_slices(facts.plan):
        key = (*[entry.filter for entry in level], *[(each.model, each.start, each.end) for each in slices])
        if key not in correct:
            problems = list(_problems(level, slices, names))
            yield from problems
            correct |= set() if problems else {key}


def _problems(level: ScaleLevel, slices: list[Slice], names: "_Names") -> Iterator[Problem]:
    yield from _check_level(level, partial(names.hold, slices))
    yield from _check_numbers(level, partial(names.numbered, slices))


def _levels_with_slices(plan: Plan) -> Iterable[tuple[ScaleLevel, list[Slice]]]:
    """Return every scale setting once, with the slices that it applies to."""
    levels: dict[int, tuple[ScaleLevel, list[Slice]]] = {}
    for slice_ in plan.slices:
        if slice_.end <= slice_.start:
            continue
        for level in (*slice_.levels, plan.scale) if plan.scale else slice_.levels:
            if level:
                levels.setdefault(id(level), (level, []))[1].append(slice_)
    return levels.values()


@dataclass(frozen=True)
class _Names:
    """The names of tensors, searched once for each text in each range."""

    checkpoints: Mapping[str, Checkpoint]
    _found: dict[tuple[str, str, int, int], bool] = field(default_factory=dict)

    def hold(self, slices: Iterable[Slice], wanted: str) -> bool:
        """Whether some tensor of these slices, or outside the layers, has `wanted` in its name."""
        return any(self._has(wanted, slice_.model, slice_.start, slice_.end) for slice_ in slices)

    def numbered(self, slices: Iterable[Slice], wanted: str) -> str | None:
        """The first name in which a digit follows `wanted`; None where none does."""
        following = re.compile(re.escape(wanted) + r"\d")
        ranges = dict.fromkeys((slice_.model, slice_.start, slice_.end) for slice_ in slices)
        names = (name for model, start, end in ranges for name in _names(self.checkpoints[model].anatomy, start, end))
        return next((name for name in names if following.search(name)), None)

    def _has(self, wanted: str, model: str, start: int, end: int) -> bool:
        key = (wanted, model, start, end)
        if key not in self._found:
            self._found[key] = _is_in_a_name(wanted, self.checkpoints[model].anatomy, start, end)
        return self._found[key]


def _is_in_a_name(wanted: str, anatomy: Anatomy, start: int, end: int) -> bool:
    if any(wanted in suffix for suffix in anatomy.layers[start]):  # nearly always, and cheaper
        return True
    return any(wanted in name for name in _names(anatomy, start, end))


def _names(anatomy: Anatomy, start: int, end: int) -> Iterator[str]:
    for layer in range(start, end):
        yield from (anatomy.layer_tensor(layer, suffix) for suffix in anatomy.layers[layer])
    yield from anatomy.scalable_ends


def _check_level(level: ScaleLevel, is_in_a_name: Callable[[str], bool]) -> Iterator[Problem]:
    taken_by_all: ScaleEntry | None = None
    for entry in level:
        if taken_by_all is not None:
            message = f"never reached: the entry on line {taken_by_all.place.line} already takes every tensor"
            fix = "The first match wins: put the entry without a filter last."
            yield Problem("filters", Severity.WARNING, message, entry.place, fix)
        elif entry.filter is None:
            taken_by_all = entry
        elif not is_in_a_name(entry.filter):
            message = f"filter `{shown(entry.filter)}` matches no tensor of this slice"
            yield Problem("filters", Severity.WARNING, message, entry.place, _remedy(entry.filter))


def _check_numbers(level: ScaleLevel, numbered: Callable[[str], str | None]) -> Iterator[Problem]:
    for entry in level:
        if entry.filter and entry.filter[-1].isdigit() and (name := numbered(entry.filter)):
            message = f"filter `{shown(entry.filter)}` also matches longer numbers: {shown(name)}"
            fix = f"Write `{shown(entry.filter)}.`, with a dot behind the number, if that is meant."
            yield Problem("filters", Severity.WARNING, message, entry.place, fix)


def _remedy(wanted: str) -> str:
    if any(sign in wanted for sign in "|*^$[]()\\"):
        return "A filter is a plain part of the tensor's name, not a pattern: write one entry for each name."
    return "A filter is a plain part of the tensor's name, e.g. `o_proj` or `layers.12.`."
