"""Results of sweeps as text. A plan is called better only if chance does not explain the difference."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlec_tui.jobs.reports import base_findings, base_lines, measured_on
from dlec_tui.measurements.plots import BlockMap
from dlec_tui.wording import harm, inconclusive
from engine.errors import shown
from engine.units import byte_size, duration, plural

_MOST_PLANS = 12
"""Maximum number of plans in the table."""
_NAME_WIDTH = 24

_NO_PROOF = "Perplexity alone does not prove an improvement: also run a probe or dlec eval."

Answer = Mapping[str, Any]


def sweep_headline(answer: Answer) -> str:
    """One line: the best plan, on held-out text."""
    winner = answer["winner"]
    if winner is None:
        return "no plan could be measured"
    say = inconclusive if base_findings(answer) else harm
    conclusion = judgement(winner, len(answer["shortlist"]), say)
    return f"the best of {len(answer['plans'])}, {shown(winner['name'])}: {conclusion}"


def judgement(winner: Answer, judged: int, say: Callable[[float, float, float], str] = harm) -> str:
    """The best plan on held-out text: the interval is its own, the p-value accounts for all evaluated plans."""
    figures = winner["heldout"]
    if figures["delta_nll"] is None:
        return "produces NaN on the text not used to choose it"
    said = say(figures["delta_nll"], *figures["interval95"])
    where = f"{said}, on text not used to choose it"
    if winner["verdict"] == "no difference" and not said.startswith("no difference"):
        return f"{where}; consistent with chance among {plural(judged, 'evaluated plan')} ({_p(figures['holm_p'])})"
    return f"{where} ({_p(figures['holm_p'])}, adjusted for {plural(judged, 'evaluated plan')})"


def sweep_lines(answer: Answer) -> Iterator[str]:
    """Everything except the map, without colours."""
    yield f"{shown(answer['space'])} of {shown(answer['reference'])}: {plural(len(answer['plans']), 'plan')}"
    yield from plan_table(answer)
    yield from chance_lines(answer)
    yield from shortlist_lines(answer)
    yield from probe_lines(answer)
    yield from ranking_lines(answer)
    yield from cost_lines(answer)
    yield measured_on({**answer, "stored": answer.get("stored", False)})


def plan_table(answer: Answer) -> Iterator[str]:
    """The best plan on the selection set, and what was not measured to the end."""
    measured = sorted((plan for plan in answer["plans"] if plan["delta_nll"] is not None), key=_delta)
    yield f"{'':{_NAME_WIDTH}}  nats per token  95 % interval      KL      top-1   adjusted p"
    for plan in measured[:_MOST_PLANS]:
        low, high = plan["interval95"]
        yield (
            f"{shown(plan['name']):{_NAME_WIDTH}}  {plan['delta_nll']:+12.4f}  {low:+.4f} {high:+.4f}  "
            f"{max(plan['kl'], 0.0):.4f}  {plan['top1_agreement']:6.1%}   {plan['holm_p']:.2g}"
        )
    if len(measured) > _MOST_PLANS:
        yield f"and {len(measured) - _MOST_PLANS} more (--csv or --json lists all)"
    stopped = sum(plan["stopped_after"] is not None for plan in answer["plans"])
    if stopped:
        yield f"{plural(stopped, 'plan')} significantly worse, stopped early"
    silent = len(answer["plans"]) - len(measured) - stopped
    if silent:
        yield f"{plural(silent, 'plan')} without a result: NaN or infinity, or not measured"


def chance_lines(answer: Answer) -> Iterator[str]:
    """Expected best result of as many plans without any effect, simulated by flipping signs."""
    chance, winner = answer["by_chance"], answer["winner"]
    if chance is None:
        return
    best = min((plan for plan in answer["plans"] if plan["delta_nll"] is not None), key=_delta)
    yield (
        f"the best on the selection set: {best['delta_nll']:+.4f}; by chance alone, the best of "
        f"{plural(chance['plans'], 'plan')} without any effect would"
    )
    yield (
        f"be at {chance['t']:+.1f} standard errors, which is {chance['t'] * best['se']:+.4f} for this one; "
        f"one as good comes in {chance['p']:.1%} of {chance['draws']:,} such sweeps"
    )
    if winner and winner["shrinkage"]["kept"] is not None:
        yield f"of the improvement that chose it, {winner['shrinkage']['kept']:.0%} is left on the other text"


def shortlist_lines(answer: Answer) -> Iterator[str]:
    """Shortlist on held-out text, headline first."""
    if answer["winner"] is None:
        return
    yield f"measured again on text not used to choose them ({plural(len(answer['shortlist']), 'plan')}):"
    for plan in answer["shortlist"]:
        if plan["delta_nll"] is None:
            yield f"{shown(plan['name']):{_NAME_WIDTH}}  not measured"
            continue
        low, high = plan["interval95"]
        yield (
            f"{shown(plan['name']):{_NAME_WIDTH}}  {plan['delta_nll']:+12.4f}  {low:+.4f} {high:+.4f}  "
            f"chosen at {plan['selection_delta_nll']:+.4f}   adjusted p {plan['holm_p']:.2g}"
        )
    yield sweep_headline(answer)
    yield from base_lines(answer)
    yield advice(answer)


def advice(answer: Answer) -> str:
    """Conclusion."""
    better = [shown(plan["name"]) for plan in answer["shortlist"] if plan.get("verdict") == "better"]
    match answer["winner"]["verdict"]:
        case _ if better:
            return f"Significantly better: {', '.join(better)}. {_NO_PROOF}"
        case _ if base_findings(answer):
            return "No conclusion about these plans: first measure the base as it is meant to be used."
        case "worse":
            return "No plan of this space was significantly better than the base model; the best one is worse."
        case _:
            return "The best plan of this space does not differ significantly from the base model."


def probe_lines(answer: Answer) -> Iterator[str]:
    """Shortlist on the probe, paired with the base item by item."""
    probe = answer["probe"]
    if probe is None:
        return
    items = f"{probe['right']} of {probe['items']:,} items"
    yield f"probe {shown(probe['name'])}: baseline {items} correct"
    judged = [plan for plan in probe["plans"] if plan["shortlist_holm_p"] is not None]
    for plan in judged:
        yield (
            f"{shown(plan['name']):{_NAME_WIDTH}}  {plan['right']:>5} correct: {plan['only_plan']} gained, "
            f"{plan['only_base']} lost   {_p(plan['p'])} (exact McNemar), adjusted {plan['shortlist_holm_p']:.2g}"
        )
    everywhere = [plan for plan in probe["plans"] if plan["holm_p"] < 0.05]
    better = sum(plan["only_plan"] > plan["only_base"] for plan in everywhere)
    yield (
        f"of all {plural(len(probe['plans']), 'plan')}, adjusted for their number: {better} significantly better, "
        f"{len(everywhere) - better} significantly worse"
    )


def ranking_lines(answer: Answer) -> Iterator[str]:
    """Rank correlation of each metric with the measured harm."""
    if answer.get("unranked"):
        yield f"metrics not ranked: {shown(answer['unranked'])}"
    if not answer["rankings"]:
        return
    widths = list(dict.fromkeys(each["width"] for each in answer["rankings"]))
    values = {(each["metric"], each["width"]): each["spearman"] for each in answer["rankings"]}
    metrics = list(dict.fromkeys(each["metric"] for each in answer["rankings"]))
    yield "Spearman correlation with the measured delta NLL, by block length (the distance metric is free):"
    yield f"{'':{_NAME_WIDTH}}" + "".join(f"{'all' if width == 0 else width:>7}" for width in widths)
    for metric in sorted(metrics, key=lambda metric: -_or_least(values.get((metric, widths[0])))):
        cells = (_correlation(values.get((metric, width))) for width in widths)
        yield f"{metric:{_NAME_WIDTH}}" + "".join(f"{cell:>7}" for cell in cells)


def cost_lines(answer: Answer) -> Iterator[str]:
    """Computation of the sweep, compared with one plan at a time."""
    for part in answer["cost"].get("parts", ()):
        announced, counted = part["announced"], part["counted"]
        reads = f", {byte_size(counted['read_bytes'])} of weights read" if counted["read_bytes"] else ""
        yield (
            f"{shown(part['what'])}: {counted['layer_forwards']:,} layer-forwards and {counted['heads']:,} heads for "
            f"{plural(announced['plans'], 'plan')}{reads}, {duration(part['seconds'])}"
        )


def harm_map(answer: Answer) -> BlockMap | None:
    """Cost of repeating each block, at the most frequent scale; None without blocks."""
    plans = [plan for plan in answer["plans"] if plan["block"] and plan["delta_nll"] is not None]
    scales = [plan["scale"] for plan in plans]
    if not plans:
        return None
    scale = 1.0 if 1.0 in scales else max(scales, key=scales.count)
    values = {tuple(plan["block"]): plan["delta_nll"] for plan in plans if plan["scale"] == scale}
    name = "delta NLL" if scale == 1 else f"delta NLL at x{scale:g}"
    return BlockMap(name, {(start, end): value for (start, end), value in values.items()})


def _delta(plan: Answer) -> float:
    return float(plan["delta_nll"])


def _p(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def _or_least(value: float | None) -> float:
    return -math.inf if value is None else value


def _correlation(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"
