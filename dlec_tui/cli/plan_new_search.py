"""`dlec plan new dlec-search`: the recipe that searches before it writes a plan."""

from typing import Any

import click

from dlec_tui.cli.measuring import measuring_options, setting_of
from dlec_tui.cli.plan_new import deliver, file_options
from dlec_tui.cli.recipe_options import budget_options, recipe_options, require_budget, values_of
from dlec_tui.cli.sizes import byte_count_or_none
from dlec_tui.cli.sweep_options import announcing
from dlec_tui.jobs.proposal_wording import search_lines
from dlec_tui.measurements.job_specs import request_for
from engine.checkpoint.checkpoint import require_local
from engine.checkpoint.find import opener
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
    "--memory", metavar="SIZE", callback=byte_count_or_none, help="Memory limit, e.g. 2G (default: free memory)."
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
