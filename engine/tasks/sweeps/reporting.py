"""Report of a sweep from its stored rows, the same right after the sweep and years later.

Everything follows from the figures of the plans. What was selected on one split of the text is evaluated on the other:
the headline is the held-out set's figure of the plan that did best on the selection set.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from engine.errors import UsageError
from engine.inference.wavefront.visits import base_visits
from engine.numbers.multiplicity import Shrinkage, best_by_chance, holm
from engine.numbers.paired import mcnemar
from engine.store.connection import StoreConnection
from engine.store.models import find_model
from engine.store.plan_measurements import PlanMeasurement, ProbeResult, find_measurements, find_probes
from engine.store.samples import BaseCheck, SampleRow, find_base_check, find_sample, sample_answer
from engine.store.sweeps import StoredPlan, StoredSweep, find_by_chance, find_cost, find_rankings, find_sweep
from engine.tasks.base_check import base_answer
from engine.tasks.sweeps.sweep_spec import visits_text

ALPHA = 0.05


@dataclass(frozen=True)
class SweepFigures:
    """Sweep with the measurements of its plans."""

    sweep: StoredSweep
    layers: int
    """Number of layers of the checkpoint."""
    base: str
    """Visits of the base."""
    selection: Mapping[str, PlanMeasurement]
    """Measurements by visits, including the base."""
    heldout: Mapping[str, PlanMeasurement]
    probed: Mapping[str, ProbeResult]
    samples: Mapping[str, SampleRow | None]
    """Sample of each split of the text."""
    check: BaseCheck | None

    @cached_property
    def base_answer(self) -> dict[str, Any]:
        """Report about the base: if it predicts worse than it should, no plan is called better."""
        base = self.selection.get(self.base)
        return base_answer(self.check, math.nan if base is None else base.nll)

    @cached_property
    def holm(self) -> dict[str, float | None]:
        """p-value by visits, adjusted for all plans that were tried; None for plans that were not measured.

        Plans that were stopped early count as tried.
        """
        figures = [self.selection.get(plan.visits) for plan in self.sweep.plans]
        adjusted = holm([1.0 if each is None else each.p for each in figures])
        return {
            plan.visits: p if each else None for plan, each, p in zip(self.sweep.plans, figures, adjusted, strict=True)
        }

    @cached_property
    def heldout_holm(self) -> dict[str, float]:
        """p-value by visits, adjusted for all plans that were evaluated on held-out text."""
        judged = [plan.visits for plan in self.shortlist if plan.visits in self.heldout]
        return dict(zip(judged, holm([self.heldout[visits].p for visits in judged]), strict=True))

    @cached_property
    def ranked(self) -> list[StoredPlan]:
        """Plans that were measured to the end, best first."""
        measured = [plan for plan in self.sweep.plans if math.isfinite(_delta(self.selection.get(plan.visits)))]
        return sorted(measured, key=lambda plan: self.selection[plan.visits].delta_nll)

    @property
    def shortlist(self) -> list[StoredPlan]:
        """Return the best plans, for the held-out set."""
        return self.ranked[: self.sweep.top]


def read_sweep(connection: StoreConnection, sweep_id: int) -> SweepFigures:
    """Read a sweep with its measurements. Raises UsageError if there is no such sweep."""
    sweep = find_sweep(connection, sweep_id)
    if sweep is None:
        raise UsageError(f"there is no sweep {sweep_id}", fix="See which there are: dlec sweep report --list")
    model = find_model(connection, sweep.selection.fingerprint)
    assert model is not None
    base = visits_text(base_visits(model.layers))
    requested = [base, *(plan.visits for plan in sweep.plans)]
    return SweepFigures(
        sweep,
        model.layers,
        base,
        selection=find_measurements(connection, sweep.selection, requested),
        heldout=find_measurements(connection, sweep.heldout, requested),
        probed=find_probes(connection, sweep.probe_key) if sweep.probe_key else {},
        samples={key.split: find_sample(connection, key) for key in (sweep.selection, sweep.heldout)},
        check=find_base_check(connection, sweep.selection),
    )


def by_chance(results: SweepFigures) -> dict[str, Any] | None:
    """Return the best of as many plans without an effect, and "plans"; None if no plan was measured.

    Takes a second for 500 plans on 16 sequences: computed once, when the sweep is finished.
    """
    if not results.ranked:
        return None
    base = results.selection[results.base].sequence_nll
    deltas = [_deltas(results.selection[plan.visits], base) for plan in results.ranked]
    return {**asdict(best_by_chance(deltas)), "plans": len(deltas)}


def sweep_report(connection: StoreConnection, sweep_id: int) -> dict[str, Any]:
    """Return the answer of the sweep task, see engine.tasks.sweep. Raises UsageError if there is no such sweep."""
    results = read_sweep(connection, sweep_id)
    sweep = results.sweep
    return {
        "sweep": sweep_id,
        "reference": sweep.reference,
        "space": sweep.space,
        "corpus": sweep.corpus,
        "layers": results.layers,
        "key": asdict(sweep.selection),
        "early_stop": sweep.early_stop,
        "base": _base(results),
        "base_check": results.base_answer,
        "sample": sample_answer(results.samples[sweep.selection.split]),
        "heldout_sample": sample_answer(results.samples[sweep.heldout.split]),
        "plans": [_plan(results, plan) for plan in sweep.plans],
        "by_chance": find_by_chance(connection, sweep_id),
        "winner": _winner(results),
        "shortlist": [_judged(results, plan) for plan in results.shortlist],
        "probe": probe_report(sweep, results.probed, results.base, [plan.visits for plan in results.shortlist]),
        "rankings": [_known(asdict(ranking)) for ranking in find_rankings(connection, sweep_id)],
        "cost": find_cost(connection, sweep_id),
    }


def _base(results: SweepFigures) -> dict[str, Any]:
    splits = {"selection": results.selection, "heldout": results.heldout}
    return {split: _base_figures(each[results.base]) for split, each in splits.items() if results.base in each}


def _base_figures(base: PlanMeasurement) -> dict[str, Any]:
    return _known({"nll": base.nll, "tokens": base.tokens, "not_finite": base.not_finite})


def _plan(results: SweepFigures, plan: StoredPlan) -> dict[str, Any]:
    """Return the selection figures of a plan; null if it was not measured to the end."""
    block = None if plan.start is None else [plan.start, plan.end]
    head = {"name": plan.name, "block": block, "scale": plan.scale, "visits": plan.visits}
    figures = results.selection.get(plan.visits)
    return {**head, "stopped_after": plan.stopped_after, **_figures(figures), "holm_p": results.holm[plan.visits]}


def _figures(figures: PlanMeasurement | None) -> dict[str, Any]:
    if figures is None:
        return dict.fromkeys(("nll", "delta_nll", "se", "interval95", "p", "kl", "top1_agreement", "not_finite"))
    return _known(
        {
            "nll": figures.nll,
            "delta_nll": figures.delta_nll,
            "se": figures.se,
            "interval95": [figures.low, figures.high] if math.isfinite(figures.low) else None,
            "p": figures.p,
            "kl": figures.kl,
            "top1_agreement": figures.top1_agreement,
            "not_finite": figures.not_finite,
        }
    )


def _judged(results: SweepFigures, plan: StoredPlan) -> dict[str, Any]:
    """Return a plan of the shortlist with its figures on the selection set and on the held-out set."""
    chosen, judged = results.selection[plan.visits], results.heldout.get(plan.visits)
    head = {"name": plan.name, "selection_delta_nll": chosen.delta_nll, **_figures(judged)}
    adjusted = results.heldout_holm.get(plan.visits)
    verdict = None if judged is None or adjusted is None else _verdict(results, judged, adjusted)
    return {**head, "holm_p": adjusted, "verdict": verdict}


def _winner(results: SweepFigures) -> dict[str, Any] | None:
    """Return the best plan on the selection set; None if none was measured, or it has no held-out figures."""
    if not results.ranked or results.ranked[0].visits not in results.heldout:
        return None
    plan = results.ranked[0]
    chosen, judged = results.selection[plan.visits], results.heldout[plan.visits]
    shrinkage = Shrinkage(chosen.delta_nll, judged.delta_nll)
    return {
        "name": plan.name,
        "plan": plan.text,
        "selection": {**_figures(chosen), "holm_p": results.holm[plan.visits]},
        "heldout": {**_figures(judged), "holm_p": results.heldout_holm[plan.visits]},
        "shrinkage": _known({"lost": shrinkage.lost, "kept": shrinkage.kept}),
        "verdict": _verdict(results, judged, results.heldout_holm[plan.visits]),
    }


def _verdict(results: SweepFigures, judged: PlanMeasurement, adjusted: float) -> str:
    """Return "better", "worse" or "no difference", on held-out text, adjusted for the number of evaluated plans;
    "inconclusive" for a better result if the base predicts worse than it should."""
    if adjusted >= ALPHA:
        return "no difference"
    if judged.delta_nll >= 0:
        return "worse"
    return "better" if results.base_answer["ok"] else "inconclusive"


def _deltas(figures: PlanMeasurement, base: Sequence[float]) -> list[float]:
    return [mean - own for mean, own in zip(figures.sequence_nll, base, strict=True)]


def _delta(figures: PlanMeasurement | None) -> float:
    return math.nan if figures is None else figures.delta_nll


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Return None for a value that JSON cannot represent."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }


def probe_report(
    sweep: StoredSweep, probed: Mapping[str, ProbeResult], base: str, shortlist: Sequence[str]
) -> dict[str, Any] | None:
    """{"name", "items", "right" (of the base), "plans": [...]}: every plan in the sweep's order.

    "holm_p" is adjusted for all plans that answered, "shortlist_holm_p" for the shortlist alone, which was chosen on
    other text. None without a probe, or without answers of the base.
    """
    if sweep.probe_key is None or base not in probed:
        return None
    own = probed[base]
    answered = [plan for plan in sweep.plans if plan.visits in probed]
    rows = [_row(own, probed[plan.visits]) for plan in answered]
    short = [place for place, plan in enumerate(answered) if plan.visits in shortlist]
    adjusted = dict(zip(short, holm([rows[place]["p"] for place in short]), strict=True))
    everywhere = holm([row["p"] for row in rows])
    return {
        "name": sweep.probe,
        "items": len(own.correct),
        "right": sum(own.correct),
        "plans": [
            {"name": plan.name, **row, "holm_p": p, "shortlist_holm_p": adjusted.get(place)}
            for place, (plan, row, p) in enumerate(zip(answered, rows, everywhere, strict=True))
        ],
    }


def _row(base: ProbeResult, plan: ProbeResult) -> dict[str, Any]:
    results = mcnemar(base.correct, plan.correct)
    gains = [after - before for before, after in zip(base.log_likelihoods, plan.log_likelihoods, strict=True)]
    gain = math.fsum(gains) / len(gains)
    return {
        "right": sum(plan.correct),
        "only_base": results.only_base,
        "only_plan": results.only_plan,
        "p": results.p,
        "delta_log_likelihood": gain if math.isfinite(gain) else None,
    }
