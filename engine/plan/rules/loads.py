"""loads: tensors that transformers reports as missing, mis-shaped or unused in the sources or the new model.

Severity: error; warning in quantised checkpoints, which other readers may understand; note for unused tensors,
and where transformers could not be asked

Why: A merge copies tensors as they are, so the new model lacks what a source lacks, in every copy of that layer, and
transformers initialises it at random. transformers opens config.json and headers only, in a separate process, once per
checkpoint and depth; `dlec plan check` and `dlec merge` start it, the workbench uses its cached results.

Source: the loading report of transformers' own classes.

Example: the weights of a text model with the config.json of a vision model.

Fix: Use a complete copy, or the config.json that belongs to the weights. Unused tensors are copied: the new model loads
as its source does.
"""

from collections.abc import Iterator

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.load_check import KINDS, LoadCheck, named
from engine.plan.model import Position
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts
from engine.plan.source_defects import judged, named_of
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


def _of_source(facts: Facts, checkpoint: Checkpoint, place: Position) -> Iterator[Problem]:
    report = facts.opened.sources.get(checkpoint)
    if report is None or report.unavailable:
        return
    if report.differences:
        yield _refused(facts, checkpoint, report, place)
    faults = {kind: _taken(facts, checkpoint, report, kind) for kind in KINDS}
    if any(faults[kind] for kind in _FAULTS):
        yield _faulty(checkpoint, report, faults, place)
    elif faults["unexpected"]:
        message = (
            f"transformers does not use {_counted(faults['unexpected'])} of {checkpoint.reference}; "
            "the new model contains them too and loads the same way"
        )
        yield Problem("loads", Severity.NOTE, message, place)


def _unavailable(facts: Facts) -> Iterator[Problem]:
    """Yield one note for each reason why transformers has not opened a checkpoint."""
    reasons = {report.unavailable: checkpoint.reference for checkpoint, report in facts.opened.sources.items()}
    if facts.opened.result is not None:
        reasons.setdefault(facts.opened.result.unavailable, "the new model")
    for reason, name in reasons.items():
        if reason:
            message = f"transformers has not opened {name}: {reason}; only names and shapes are checked"
            yield Problem("loads", Severity.NOTE, message)


def _refused(facts: Facts, checkpoint: Checkpoint, report: LoadCheck, place: Position) -> Problem:
    """Return a note instead of an error if the new model loads all the same."""
    result = facts.opened.result
    opens = result is not None and not result.differences and not result.unavailable
    message = f"transformers cannot open {checkpoint.reference}: {report.differences[0]}"
    severity = Severity.NOTE if opens else Severity.ERROR
    return Problem("loads", severity, message, place, "Correct its config.json, or use another copy.")


def _faulty(checkpoint: Checkpoint, report: LoadCheck, faults: dict[str, list[str]], place: Position) -> Problem:
    counts = "; ".join(f"{_counted(names)} {KINDS[kind]}" for kind, names in faults.items() if names)
    message = f"{checkpoint.reference} is not complete as {report.architecture}: {counts}"
    fix = "Use a complete copy, or the config.json of these weights: transformers would initialise them at random."
    severity = Severity.WARNING if checkpoint.is_quantised else Severity.ERROR
    return Problem("loads", severity, message, place, fix)


def _of_result(facts: Facts) -> Iterator[Problem]:
    if facts.opened.result is None or facts.opened.result.unavailable:
        return
    report = judged(facts.opened.result, facts.stack, facts.opened.sources)
    if report.is_faulty:
        message = f"transformers would not load the new model correctly: {report.why}"
        severity = Severity.WARNING if facts.stack.config_donor.is_quantised else Severity.ERROR
        yield Problem("loads", severity, message, fix="Stack the layers of this model in another way.")


def _taken(facts: Facts, checkpoint: Checkpoint, report: LoadCheck, kind: str) -> list[str]:
    """Return the complaints about tensors that the new model takes from the checkpoint."""
    return [
        complaint
        for complaint in getattr(report, kind)
        if facts.takes(checkpoint, named_of(complaint, report, checkpoint).layer)
    ]


def _counted(names: list[str]) -> str:
    return f"{plural(len(names), 'tensor')} ({named(names)})"
