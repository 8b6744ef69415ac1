"""filters: a scale entry matches no tensor, or more layers than it names.

Severity: warning

Why: A filter is a substring of the input tensor's name, and the first entry that matches applies. A regular expression,
a typo, or an entry after one without a filter has no effect, silently. A filter that ends with a number also matches
every number that begins with it.

Source: mergekit's behaviour, verified by running it.

Example: `scale: [{filter: "o_proj|down_proj", value: 0}]`; `scale: [{value: 1}, {filter: o_proj, value: 0}]`;
`{filter: layers.1, value: 0}` over `[0, 16]`, which also matches layers 10 to 15.

Fix: Write one entry per name; put the entry without a filter last; put a dot after a number.
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
    yield from _check_level(level, partial(names.contain, slices))
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
    """Names of tensors; each search is done once per range."""

    checkpoints: Mapping[str, Checkpoint]
    _results: dict[tuple[str, str, int, int], bool] = field(default_factory=dict)

    def contain(self, slices: Iterable[Slice], pattern: str) -> bool:
        """Return True if a tensor of these slices, or outside the layers, has `pattern` in its name."""
        return any(self._has(pattern, slice_.model, slice_.start, slice_.end) for slice_ in slices)

    def numbered(self, slices: Iterable[Slice], pattern: str) -> str | None:
        """Return the first name in which a digit follows `pattern`."""
        following = re.compile(re.escape(pattern) + r"\d")
        ranges = dict.fromkeys((slice_.model, slice_.start, slice_.end) for slice_ in slices)
        names = (name for model, start, end in ranges for name in _names(self.checkpoints[model].anatomy, start, end))
        return next((name for name in names if following.search(name)), None)

    def _has(self, pattern: str, model: str, start: int, end: int) -> bool:
        key = (pattern, model, start, end)
        if key not in self._results:
            self._results[key] = _is_in_a_name(pattern, self.checkpoints[model].anatomy, start, end)
        return self._results[key]


def _is_in_a_name(pattern: str, anatomy: Anatomy, start: int, end: int) -> bool:
    if any(pattern in suffix for suffix in anatomy.layers[start]):  # nearly always, and cheaper
        return True
    return any(pattern in name for name in _names(anatomy, start, end))


def _names(anatomy: Anatomy, start: int, end: int) -> Iterator[str]:
    for layer in range(start, end):
        yield from (anatomy.layer_tensor(layer, suffix) for suffix in anatomy.layers[layer])
    yield from anatomy.scalable_ends


def _check_level(level: ScaleLevel, is_in_a_name: Callable[[str], bool]) -> Iterator[Problem]:
    catch_all: ScaleEntry | None = None
    for entry in level:
        if catch_all is not None:
            message = f"this entry has no effect: the entry on line {catch_all.place.line} matches every tensor"
            fix = "Put the entry without a filter last: the first match applies."
            yield Problem("filters", Severity.WARNING, message, entry.place, fix)
        elif entry.filter is None:
            catch_all = entry
        elif not is_in_a_name(entry.filter):
            message = f"filter `{shown(entry.filter)}` matches no tensor of this slice"
            yield Problem("filters", Severity.WARNING, message, entry.place, _remedy(entry.filter))


def _check_numbers(level: ScaleLevel, numbered: Callable[[str], str | None]) -> Iterator[Problem]:
    for entry in level:
        if entry.filter and entry.filter[-1].isdigit() and (name := numbered(entry.filter)):
            message = f"filter `{shown(entry.filter)}` also matches longer numbers: {shown(name)}"
            fix = f"Write `{shown(entry.filter)}.` with a dot to match only that number."
            yield Problem("filters", Severity.WARNING, message, entry.place, fix)


def _remedy(pattern: str) -> str:
    if any(sign in pattern for sign in "|*^$[]()\\"):
        return "Write one entry per name: a filter is a substring of the tensor's name, not a regular expression."
    return "Use a substring of the tensor's name, e.g. `o_proj` or `layers.12.`."
