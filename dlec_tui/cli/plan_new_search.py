"""`dlec plan new dlec-search`: the recipe that searches before it writes a plan."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from dlec_tui.cli.measuring import measuring_options, setting_of
from dlec_tui.cli.plan_new import deliver, file_options
from dlec_tui.cli.recipe_options import recipe_options, values_of
from dlec_tui.cli.sizes import byte_count_or_none
from dlec_tui.cli.sweep_options import announcing
from dlec_tui.jobs.answers import base_lines, measured_on, verdict
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
@click.option("--layers", type=click.IntRange(1), help="The budget: how many layers to add.")
@click.option("--growth", type=click.FloatRange(0, 1, min_open=True), help="Or as a share of the model, such as 0.17.")
@recipe_options(_BESIDE_THE_BUDGET)
@click.option("--memory", metavar="SIZE", callback=byte_count_or_none, help="Take at most so much, such as 2G.")
@file_options
@measuring_options(None)
def searched(model: str, layers: int | None, growth: float | None, memory: int | None, **given: Any) -> None:
    if (layers is None) == (growth is None):
        raise click.UsageError("give a budget: either --layers or --growth")
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
    yield from base_lines(found)
    yield measured_on(found)
