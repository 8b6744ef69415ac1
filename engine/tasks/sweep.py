"""Sweep of a space of plans: all are measured as one computation, the best are evaluated on held-out text."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from engine.errors import DlecError
from engine.execution.executor import Executor
from engine.protocol import Report
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.models import save_model
from engine.store.sweeps import (
    find_rankings,
    find_sweep,
    finish_sweep,
    save_by_chance,
    save_rankings,
    save_sweep,
    save_verdicts,
)
from engine.tasks.measurement import model_row
from engine.tasks.stages import Stages
from engine.tasks.sweeps.costs import Cost
from engine.tasks.sweeps.execution import check_base_of, in_threads
from engine.tasks.sweeps.layer_source import LayerSource
from engine.tasks.sweeps.measuring import announced, measure, measure_until_worse, missing
from engine.tasks.sweeps.probing import answer, unanswered
from engine.tasks.sweeps.ranking import rankings, why_not
from engine.tasks.sweeps.reporting import by_chance, read_sweep, sweep_report
from engine.tasks.sweeps.sweep_spec import SweepSpec, read_sweep_spec
from engine.text.corpus import Split

_STAGES = 3
"""Check of the base, selection set, held-out set; a probe and the metrics are further ones."""


def run(request: Mapping[str, Any], report: Report, executor: Executor | None = None) -> dict[str, Any]:
    """Run the task (see `read_sweep_spec`); with "rehearsal" only report what it would take.

    executor: computes the shares; None for the devices of this process, which hold the whole model for the metrics.
    Answer: "sweep" (its number in the store), "plans" (each with the figures of the selection set), "by_chance" (what
    the best of them would look like without any effect; null until the sweep is finished), "shortlist" and "winner"
    (with the figures of the held-out set), "base_check" (see base_answer), "probe", "rankings" (of cheap metrics),
    "cost", "stored" (whether nothing had to be measured); of a rehearsal "announced". What is finished is in the store:
    an interrupted sweep continues from there.
    Raises PlanError for a plan that cannot be swept, and whatever opening and running the model raises.
    """
    spec = read_sweep_spec(request)
    source = LayerSource(spec)
    if request.get("rehearsal"):
        return {
            "announced": announced(spec, Split.SELECTION, missing(spec, Split.SELECTION, list(spec.visits)), source)
        }
    sweep_id = _started(spec)
    stages = Stages(report, _STAGES + (spec.probe is not None) + spec.ranks_metrics)
    check_base_of(spec, source, stages.next())
    executor = executor or in_threads(source)
    costs = _chosen(spec, source, executor, sweep_id, stages.next())
    costs += _judged(spec, source, executor, sweep_id, stages.next())
    costs += _probed(spec, source, executor, stages)
    unranked = _rank(spec, source, sweep_id, stages)
    _finish(spec, sweep_id, costs)
    with closing(open_for_reading(spec.on(Split.SELECTION).store)) as connection:
        swept = sweep_report(connection, sweep_id)
    return {**swept, "unranked": unranked, "stored": not costs}


def _started(spec: SweepSpec) -> int:
    """Store the sweep and return its number. Raises MachineError if the store cannot be written."""
    with closing(open_for_writing(spec.on(Split.SELECTION).store)) as db, transaction(db):
        save_model(db, model_row(spec.checkpoint))
        return save_sweep(db, spec.sweep)


def _chosen(spec: SweepSpec, source: LayerSource, executor: Executor, sweep_id: int, report: Report) -> list[Cost]:
    """Measure the plans on the selection set, except those that are known or stopped."""
    with closing(open_for_reading(spec.on(Split.SELECTION).store)) as connection:
        sweep = find_sweep(connection, sweep_id)
    assert sweep is not None
    stopped = {plan.visits for plan in sweep.plans if plan.stopped_after is not None}
    requested = missing(spec, Split.SELECTION, [visits for visits in spec.visits if visits not in stopped])
    if not requested:
        return []
    if spec.early_stop:
        return [measure_until_worse(spec, Split.SELECTION, requested, source, executor, report, sweep_id)]
    return [measure(spec, Split.SELECTION, requested, source, executor, report)]


def _judged(spec: SweepSpec, source: LayerSource, executor: Executor, sweep_id: int, report: Report) -> list[Cost]:
    """Measure the best plans on the held-out set."""
    with closing(open_for_reading(spec.on(Split.SELECTION).store)) as connection:
        shortlist = read_sweep(connection, sweep_id).shortlist
    requested = missing(spec, Split.HELDOUT, [plan.visits for plan in shortlist])
    return [measure(spec, Split.HELDOUT, requested, source, executor, report)] if requested else []


def _probed(spec: SweepSpec, source: LayerSource, executor: Executor, stages: Stages) -> list[Cost]:
    if spec.probe_key is None:
        return []
    requested = unanswered(spec, spec.probe_key, list(spec.visits))
    report = stages.next()
    return [answer(spec, spec.probe_key, requested, source, executor, report)] if requested else []


def _rank(spec: SweepSpec, source: LayerSource, sweep_id: int, stages: Stages) -> str | None:
    """Rank the metrics. Return the reason where they cannot be measured; the sweep is complete without them."""
    store = spec.on(Split.SELECTION).store
    with closing(open_for_reading(store)) as connection:
        is_ranked = bool(find_rankings(connection, sweep_id))
    if is_ranked or not spec.ranks_metrics:
        return None
    if not source.is_resident:
        return "the metrics need the whole model in memory"
    try:
        ranked = rankings(spec, stages.next())
    except DlecError as error:
        return why_not(error)
    with closing(open_for_writing(store)) as db:
        save_rankings(db, sweep_id, ranked)
    return None


def _finish(spec: SweepSpec, sweep_id: int, costs: list[Cost]) -> None:
    store = spec.on(Split.SELECTION).store
    with closing(open_for_reading(store)) as connection:
        figures = read_sweep(connection, sweep_id)
    visits = [plan.visits for plan in figures.sweep.plans]
    holm, judged = [figures.holm[each] for each in visits], [figures.heldout_holm.get(each) for each in visits]
    chance = by_chance(figures)
    with closing(open_for_writing(store)) as db, transaction(db):
        save_verdicts(db, sweep_id, holm, judged)
        save_by_chance(db, sweep_id, chance)
        finish_sweep(db, sweep_id, {"parts": costs})
