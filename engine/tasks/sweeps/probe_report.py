"""What a probe says of a sweep's plans, item by item against the base."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.numbers.mcnemar import mcnemar
from engine.numbers.multiplicity import holm
from engine.store.plan_measurements import ProbeResult
from engine.store.sweeps import StoredSweep


def probe_report(
    sweep: StoredSweep, probed: Mapping[str, ProbeResult], base: str, shortlist: Sequence[str]
) -> dict[str, Any] | None:
    """{"name", "items", "right" (of the base), "plans": [...]}: every plan in the sweep's order.

    "holm_p" is adjusted for all plans that answered, "shortlist_holm_p" for the shortlist alone, which was chosen on
    other text. None where there is no probe, or the base has not answered.
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
    found = mcnemar(base.correct, plan.correct)
    gains = [after - before for before, after in zip(base.log_likelihoods, plan.log_likelihoods, strict=True)]
    gain = math.fsum(gains) / len(gains)
    return {
        "right": sum(plan.correct),
        "only_base": found.only_base,
        "only_plan": found.only_plan,
        "p": found.p,
        "delta_log_likelihood": gain if math.isfinite(gain) else None,
    }
