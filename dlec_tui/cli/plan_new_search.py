"""`dlec plan new dlec-search`: the recipe that searches before it writes a plan."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from dlec_tui.cli.measuring import measuring_options, setting_of
from dlec_tui.cli.plan_new import deliver, file_options
from dlec_tui.cli.recipe_options import budget_options, recipe_options, require_budget, values_of
from dlec_tui.cli.sizes import byte_count_or_none
from dlec_tui.cli.sweep_options import announcing
from dlec_tui.jobs.answers import measured_on, verdict
from dlec_tui.measurements.orders import request_for
from dlec_tui.wording import plural
from engine.checkpoint.checkpoint import require_local
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.plan.recipes import dlec_search
from engine.plan.recipes.fields import fields_of
from engine.plan.recipes.registry import MEASURED
from engine.tasks.child import run_task

_BESIDE_THE_BUDGET = [field for field in fields_of(dlec_search.Options) if field.name != "layers"]
_NAME_WIDTH = 24


@click.command("dlec-search", help=MEASURED["dlec-search"].summary)
@click.argument("model")
@budget_options
@recipe_options(_BESIDE_THE_BUDGET)
@click.option(
    "--memory", metavar="SIZE", callback=byte_count_or_none, help="Memory limit, such as 2G (default: free memory)."
)
@file_options()
@measuring_options(None)
def searched(model: str, layers: int | None, growth: float | None, memory: int | None, **given: Any) -> None:
    require_budget(layers, growth)
    checkpoint = opener()(model)
    require_local(checkpoint)
    others = values_of(_BESIDE_THE_BUDGET, given, opener())
    request = request_for(checkpoint, setting_of(given)) | others
    with announcing("compiling the plans") as progress:
        found = run_task("search", request | {"layers": layers, "growth": growth, "memory": memory}, progress)
    deliver(found, given, search_lines(found))


def search_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The judged shortlist, and what that says of the plan."""
    yield f"{plural(sum(found['tried'].values()), 'plan')} tried; the best, on text that chose nothing:"
    for plan in found["shortlist"]:
        if plan["delta_nll"] is None:
            yield f"{shown(plan['name']):{_NAME_WIDTH}}  computes no numbers"
            continue
        low, high = plan["interval95"]
        yield (
            f"{shown(plan['name']):{_NAME_WIDTH}}  {plan['delta_nll']:+.4f}  {low:+.4f} {high:+.4f}"
            f"  adjusted p {plan['holm_p']:.2g}"
        )
    yield f"proposed: {shown(found['shortlist'][0]['name'])} once more"
    yield f"    {verdict(found['judged'])}"
    yield measured_on(found)
