"""loads: what transformers finds missing, mis-shaped or unused when it opens the sources and the new model.

Severity: error; warning in quantised checkpoints, which other readers may understand; note for unused tensors,
and where transformers could not be asked

Why: Merging takes tensors as they are, so what a source lacks the new model lacks in every copy of that layer, and
transformers fills it with random numbers. It is asked to open config.json and headers alone, in a process of its own,
once for each checkpoint and depth; `dlec plan check` and `dlec merge` ask it, the workbench uses what it has answered.

Source: the loading report of transformers' own classes.

Example: the weights of a text model under the config.json of a model that sees.

Remedy: Use an intact copy, or the config.json that belongs to the weights. Unused tensors are carried along: the new
model opens as its source does.
"""

from collections.abc import Iterator

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.load_check import KINDS, LoadCheck, named
from engine.plan.loading import judged, named_of
from engine.plan.model import Place
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.units import plural

_FAULTS = ("missing", "mismatched")


def check(facts: Facts) -> Iterator[Problem]:
    problems = [
        problem
        for reference, place in facts.first_mentions()
        for problem in _of_source(facts, facts.checkpoints[reference], place)
    ]
    yield from problems
    yield from _unavailable(facts)
    if not any(problem.severity is Severity.ERROR for problem in problems):
        yield from _of_result(facts)


def _of_source(facts: Facts, checkpoint: Checkpoint, place: Place) -> Iterator[Problem]:
    found = facts.opened.sources.get(checkpoint)
    if found is None or found.unavailable:
        return
    if found.differences:
        yield _refused(facts, checkpoint, found, place)
    faults = {kind: _taken(facts, checkpoint, found, kind) for kind in KINDS}
    if any(faults[kind] for kind in _FAULTS):
        yield _faulty(checkpoint, found, faults, place)
    elif faults["unexpected"]:
        message = (
            f"transformers does not use {_counted(faults['unexpected'])} of {checkpoint.reference}: "
            "the new model has them too, and opens the same way"
        )
        yield Problem("loads", Severity.NOTE, message, place)


def _unavailable(facts: Facts) -> Iterator[Problem]:
    """One note for each reason: nothing but structure was compared."""
    reasons = {found.unavailable: checkpoint.reference for checkpoint, found in facts.opened.sources.items()}
    if facts.opened.result is not None:
        reasons.setdefault(facts.opened.result.unavailable, "the new model")
    for reason, name in reasons.items():
        if reason:
            message = f"transformers has not opened {name}: {reason}"
            fix = "The plan was checked by names and shapes alone."
            yield Problem("loads", Severity.NOTE, message, fix=fix)


def _refused(facts: Facts, checkpoint: Checkpoint, found: LoadCheck, place: Place) -> Problem:
    """No error where the new model opens all the same."""
    result = facts.opened.result
    opens = result is not None and not result.differences and not result.unavailable
    message = f"transformers does not open {checkpoint.reference}: {found.differences[0]}"
    severity = Severity.NOTE if opens else Severity.ERROR
    return Problem("loads", severity, message, place, "Correct its config.json, or use another copy.")


def _faulty(checkpoint: Checkpoint, found: LoadCheck, faults: dict[str, list[str]], place: Place) -> Problem:
    told = "; ".join(f"{_counted(names)} {KINDS[kind]}" for kind, names in faults.items() if names)
    message = f"{checkpoint.reference} does not open whole as {found.architecture}: {told}"
    fix = "Its weights would be made up there. Use an intact copy, or the config.json that belongs to the weights."
    severity = Severity.WARNING if checkpoint.is_quantised else Severity.ERROR
    return Problem("loads", severity, message, place, fix)


def _of_result(facts: Facts) -> Iterator[Problem]:
    if facts.opened.result is None or facts.opened.result.unavailable:
        return
    found = judged(facts.opened.result, facts.stack, facts.opened.sources)
    if found.is_faulty:
        message = f"transformers would not load the new model as it should: {found.why}"
        severity = Severity.WARNING if facts.stack.config_donor.is_quantised else Severity.ERROR
        yield Problem("loads", severity, message, fix="Layers of this model cannot be stacked in this way.")


def _taken(facts: Facts, checkpoint: Checkpoint, found: LoadCheck, kind: str) -> list[str]:
    """The complaints about tensors that the new model takes from the checkpoint."""
    return [
        complaint
        for complaint in getattr(found, kind)
        if facts.takes(checkpoint, named_of(complaint, found, checkpoint).layer)
    ]


def _counted(names: list[str]) -> str:
    return f"{plural(len(names), 'tensor')} ({named(names)})"
