"""Sweeps a space of plans: all of them measured as one computation, the best of them judged on other text."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from engine.errors import DlecError
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
from engine.tasks.occasion import model_row
from engine.tasks.sweeps.asking import Asked, asked_in
from engine.tasks.sweeps.base import check_base_of
from engine.tasks.sweeps.costs import Cost
from engine.tasks.sweeps.measuring import announced, measure, measure_until_worse, missing
from engine.tasks.sweeps.probing import answer, unanswered
from engine.tasks.sweeps.ranking import rankings, why_not
from engine.tasks.sweeps.reporting import by_chance, read_sweep, sweep_report
from engine.tasks.sweeps.sources import Source
from engine.text.corpus import Half


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: see `asked_in`; with "rehearsal" it only says what it would take.

    Answer: "sweep" (its number in the store), "plans" (each with the figures of the choosing half), "by_chance" (what
    the best of them would look like without any effect; null until the sweep is finished), "shortlist" and "winner"
    (with the figures of the judging half), "base_check" (see base_answer), "probe", "rankings" (of cheap metrics),
    "cost", "found" (whether nothing had to be measured); of a rehearsal "announced". What is finished is in the store:
    a sweep that was interrupted goes on where it was.
    Raises PlanError for a plan that cannot be swept, and whatever opening and running the model raises.
    """
    asked = asked_in(request)
    source = Source(asked)
    if request.get("rehearsal"):
        return {"announced": announced(asked, Half.CHOOSING, missing(asked, Half.CHOOSING, list(asked.visits)), source)}
    sweep_id = _begun(asked)
    check_base_of(asked, source)
    costs = [*_chosen(asked, source, sweep_id, report), *_judged(asked, source, sweep_id, report)]
    costs += _probed(asked, source, report)
    unranked = _rank(asked, source, sweep_id, report)
    _finish(asked, sweep_id, costs)
    with closing(open_for_reading(asked.on(Half.CHOOSING).store)) as connection:
        found = sweep_report(connection, sweep_id)
    return {**found, "unranked": unranked, "found": not costs}


def _begun(asked: Asked) -> int:
    """The sweep's number. Raises MachineError when the store cannot be written: better before the work than after."""
    with closing(open_for_writing(asked.on(Half.CHOOSING).store)) as db, transaction(db):
        save_model(db, model_row(asked.checkpoint))
        return save_sweep(db, asked.sweep)


def _chosen(asked: Asked, source: Source, sweep_id: int, report: Report) -> list[Cost]:
    """Measures the plans on the half that is for choosing, as far as they are not known or stopped."""
    with closing(open_for_reading(asked.on(Half.CHOOSING).store)) as connection:
        sweep = find_sweep(connection, sweep_id)
    assert sweep is not None
    stopped = {plan.visits for plan in sweep.plans if plan.stopped_after is not None}
    wanted = missing(asked, Half.CHOOSING, [visits for visits in asked.visits if visits not in stopped])
    if not wanted:
        return []
    if asked.early_stop:
        return [measure_until_worse(asked, Half.CHOOSING, wanted, source, sweep_id, report)]
    return [measure(asked, Half.CHOOSING, wanted, source, report)]


def _judged(asked: Asked, source: Source, sweep_id: int, report: Report) -> list[Cost]:
    """Measures the best of them on the other half."""
    with closing(open_for_reading(asked.on(Half.CHOOSING).store)) as connection:
        shortlist = read_sweep(connection, sweep_id).shortlist
    wanted = missing(asked, Half.JUDGING, [plan.visits for plan in shortlist])
    return [measure(asked, Half.JUDGING, wanted, source, report)] if wanted else []


def _probed(asked: Asked, source: Source, report: Report) -> list[Cost]:
    if asked.probe_key is None:
        return []
    wanted = unanswered(asked, asked.probe_key, list(asked.visits))
    return [answer(asked, asked.probe_key, wanted, source, report)] if wanted else []


def _rank(asked: Asked, source: Source, sweep_id: int, report: Report) -> str | None:
    """Ranks the metrics; where they cannot be measured, why: the sweep stands without them."""
    store = asked.on(Half.CHOOSING).store
    with closing(open_for_reading(store)) as connection:
        is_ranked = bool(find_rankings(connection, sweep_id))
    if is_ranked or not asked.ranks_metrics:
        return None
    if not source.is_resident:
        return "the metrics need the whole model in memory"
    try:
        found = rankings(asked, report)
    except DlecError as error:
        return why_not(error)
    with closing(open_for_writing(store)) as db:
        save_rankings(db, sweep_id, found)
    return None


def _finish(asked: Asked, sweep_id: int, costs: list[Cost]) -> None:
    store = asked.on(Half.CHOOSING).store
    with closing(open_for_reading(store)) as connection:
        found = read_sweep(connection, sweep_id)
    visits = [plan.visits for plan in found.sweep.plans]
    holm, judged = [found.holm[each] for each in visits], [found.judged_holm.get(each) for each in visits]
    chance = by_chance(found)
    with closing(open_for_writing(store)) as db, transaction(db):
        save_verdicts(db, sweep_id, holm, judged)
        save_by_chance(db, sweep_id, chance)
        finish_sweep(db, sweep_id, {"parts": costs})
