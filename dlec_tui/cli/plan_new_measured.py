"""`dlec plan new` with the recipes that measure before they write a plan."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from typing import Any

import click

from dlec_tui.cli.measuring import measurement_of, measuring_options, store_of
from dlec_tui.cli.options import byte_count_or_none, remote_option
from dlec_tui.cli.plan_file import file_options
from dlec_tui.cli.plan_new import budget_options, deliver, recipe_options, require_budget, values_of
from dlec_tui.cli.preview import published
from dlec_tui.cli.profile import profile_model, statistics_of
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.sweep_spaces import announcing
from dlec_tui.jobs.reports import measured_on, proposal_lines, search_lines
from engine.checkpoint.checkpoint import Checkpoint, require_local
from engine.checkpoint.find import opener
from engine.plan.recipes import dlec, dlec_search, prune
from engine.plan.recipes.blocks import Block
from engine.plan.recipes.registry import MEASURED, RECIPES, fields_of
from engine.store.database import open_for_reading
from engine.store.keys import MeasurementKey
from engine.store.profiles import find_angles
from engine.tasks.measurement_options import request_for
from engine.tasks.process import run_task

_PRUNE = RECIPES["prune"]
_DLEC_FIELDS = [field for field in fields_of(dlec.Options) if field.name != "layers"]


class Criterion(StrEnum):
    """Criterion for dropping layers."""

    DEPTH = "depth"
    ANGLE = "angle"
    INFLUENCE = "influence"


@click.command("dlec", help=MEASURED["dlec"].summary)
@click.argument("model")
@budget_options
@recipe_options(_DLEC_FIELDS)
@file_options()
@measuring_options(None)
def measured(model: str, layers: int | None, growth: float | None, **given: Any) -> None:
    require_budget(layers, growth)
    others = values_of(_DLEC_FIELDS, given, opener())
    answer = propose(model, {"layers": layers, "growth": growth, **others}, given)
    deliver(published_proposal(answer), given, proposal_lines(answer))


@click.command("dlec-classic", help=MEASURED["dlec-classic"].summary)
@click.argument("model")
@file_options()
@measuring_options(None)
def classic(model: str, **given: Any) -> None:
    checkpoint = opener()(model)
    require_local(checkpoint)
    with task_progress("reading first tokens") as progress:
        answer = run_task("classic", request_for(checkpoint, measurement_of(given)), progress)
    deliver(answer, given)


@click.command("prune", help=_PRUNE.summary)
@click.argument("model")
@recipe_options(_PRUNE.fields)
@click.option(
    "--by",
    type=click.Choice([criterion.value for criterion in Criterion]),
    default=Criterion.DEPTH.value,
    show_default=True,
    help="Layers to drop: the deepest, the block of smallest angle, or those of least influence (measured).",
)
@file_options()
@remote_option
@measuring_options(None)
def pruned(model: str, by: str, **given: Any) -> None:
    open_checkpoint = opener(remote=given["remote"])
    checkpoint = open_checkpoint(model)
    options = prune.Options(**values_of(_PRUNE.fields, given, open_checkpoint))
    if by == Criterion.DEPTH:
        deliver({"plan": prune.write(checkpoint, options)}, given)
        return
    if options.drop:
        raise click.UsageError("--drop and --by cannot be combined.")
    prune.candidate_blocks(checkpoint, options)  # raises UsageError before any measurement
    answer = profile_model(checkpoint, measurement_of(given))
    drop, reason = (_least_influential if by == Criterion.INFLUENCE else _flattest)(checkpoint, options, answer, given)
    plan = prune.write(checkpoint, replace(options, drop=drop), [reason])
    deliver({"plan": plan, "drop": drop}, given, [measured_on(answer)])


def propose(model: str, budget: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Run the propose task. budget: {"layers"} or {"growth"}, and the other fields of dlec.Options."""
    checkpoint = opener()(model)
    require_local(checkpoint)
    with task_progress("opening the model") as progress:
        return run_task("propose", request_for(checkpoint, measurement_of(options)) | dict(budget), progress)


def published_proposal(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public fields of a proposal."""
    naive = answer["naive"] | {"heldout": published(answer["naive"]["heldout"])}
    return {**answer, "heldout": published(answer["heldout"]), "naive": naive}


def _least_influential(
    checkpoint: Checkpoint, options: prune.Options, answer: Mapping[str, Any], _given: Mapping[str, Any]
) -> tuple[tuple[Block, ...], str]:
    """The layers to drop and why, given the profile task's answer."""
    influences = [statistics_of(layer).block_influence for layer in answer["layers"]]
    drop = prune.least_influential(checkpoint, options, influences)
    return drop, "The layers with the lowest block influence (measured)."


def _flattest(
    checkpoint: Checkpoint, options: prune.Options, answer: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[tuple[Block, ...], str]:
    """The block to drop and why; the angles are in the store, as the profile task has put them there."""
    with closing(open_for_reading(store_of(measurement_of(given)))) as connection:
        measured = find_angles(connection, MeasurementKey(**answer["key"]))
    angles = {(each.start, each.end): each.angular_distance for each in measured}
    block = prune.flattest(checkpoint, options, angles)
    return (block,), f"The block with the smallest angular distance, {angles[block]:.4f} (measured)."


_SEARCH_FIELDS = [field for field in fields_of(dlec_search.Options) if field.name != "layers"]


@click.command("dlec-search", help=MEASURED["dlec-search"].summary)
@click.argument("model")
@budget_options
@recipe_options(_SEARCH_FIELDS)
@click.option(
    "--memory", metavar="SIZE", callback=byte_count_or_none, help="Memory limit, e.g. 2G (default: free memory)."
)
@file_options()
@measuring_options(None)
def searched(model: str, layers: int | None, growth: float | None, memory: int | None, **given: Any) -> None:
    require_budget(layers, growth)
    checkpoint = opener()(model)
    require_local(checkpoint)
    others = values_of(_SEARCH_FIELDS, given, opener())
    request = request_for(checkpoint, measurement_of(given)) | others
    with announcing("compiling the plans") as progress:
        answer = run_task("search", request | {"layers": layers, "growth": growth, "memory": memory}, progress)
    deliver(answer, given, search_lines(answer))
