"""repeats: a layer visited more than twice.

Origin: froggeric's hand search (WestLake-10.7B-v2): layers that occur more than twice degrade quality at once.
Copies that the plan silences (a tensor scaled to zero) do not count.
"""

from collections.abc import Iterator

from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.stack import Visit, factor_of

MOST_VISITS = 2


def check(facts: Facts) -> Iterator[Problem]:
    named: set[tuple[int, int]] = set()
    for visit in facts.stack.visits:
        key = (id(visit.checkpoint), visit.layer)
        if visit.repeat >= MOST_VISITS and key not in named and not _is_silenced(visit):
            named.add(key)
            visits = sum(1 for other in facts.stack.visits if (id(other.checkpoint), other.layer) == key)
            message = f"layer {visit.layer} occurs {visits} times; beyond {MOST_VISITS} quality usually falls at once"
            yield Problem("repeats", Severity.WARNING, message, facts.place_of(visit))


def _is_silenced(visit: Visit) -> bool:
    anatomy = visit.checkpoint.anatomy
    names = (anatomy.layer_tensor(visit.layer, suffix) for suffix in anatomy.layers[visit.layer])
    return bool(visit.levels) and any(factor_of(visit.levels, name) == 0 for name in names)
