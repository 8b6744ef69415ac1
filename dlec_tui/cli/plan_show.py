"""`dlec plan show`."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click

from dlec_tui.cli.options import home_option, json_option, plan_argument, remote_option
from dlec_tui.cli.plan_file import read_plan
from dlec_tui.wording import change
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.plan.cost import Cost, cost_of, picture
from engine.plan.stack import Stack, Visit
from engine.units import byte_size, count

SHOWN_CONTEXT = 1000
"""Number of tokens for the size of the KV cache."""


@click.command
@plan_argument
@json_option
@remote_option
@home_option
def show(plan_path: Path, wants_json: bool, remote: bool, store: Path) -> None:
    """Show the layers, slices and size of PLAN.

    The picture has one character for each layer of the new model; X marks a repeated layer.
    """
    plan = read_plan(plan_path, opener(remote=remote), store)
    if findings := plan.findings():
        click.echo(findings, err=True)
    stack = plan.stack()
    click.echo(json.dumps(_as_json(stack)) if wants_json else as_text(stack))


def as_text(stack: Stack) -> str:
    """Picture, slices and cost."""
    return "\n".join([picture(stack), "", *_slice_table(stack), "", *cost_lines(cost_of(stack))])


def cost_lines(cost: Cost) -> Iterator[str]:
    """Yield one line for each property of the new model: layers, parameters, disk, KV cache."""
    yield f"layers      {cost.layers}"
    yield f"parameters  {count(cost.parameters)} ({change(cost.parameters, cost.base_parameters)})"
    yield f"on disk     {byte_size(cost.nbytes)}"
    if cost.kv_bytes_per_token is not None:
        yield f"KV cache    {byte_size(cost.kv_bytes_per_token * SHOWN_CONTEXT)} per 1k tokens at 16 bits"


def _as_json(stack: Stack) -> dict[str, object]:
    cost = cost_of(stack)
    return {
        "picture": picture(stack),
        "slices": [
            {"model": visits[0].checkpoint.reference, "start": visits[0].layer, "end": visits[-1].layer + 1}
            for visits in _slices(stack)
        ],
        "layers": cost.layers,
        "parameters": cost.parameters,
        "base_parameters": cost.base_parameters,
        "bytes": cost.nbytes,
        "kv_bytes_per_1k_tokens": cost.kv_bytes_per_token and cost.kv_bytes_per_token * SHOWN_CONTEXT,
    }


def _slice_table(stack: Stack) -> Iterator[str]:
    yield f"{'new layers':>10}  {'from':>10}  {'repeats':>7}  model"
    position = 0
    for visits in _slices(stack):
        new = f"{position}-{position + len(visits) - 1}"
        old = f"{visits[0].layer}-{visits[-1].layer}"
        repeats = sum(visit.repeat > 0 for visit in visits)
        yield f"{new:>10}  {old:>10}  {repeats or '':>7}  {shown(visits[0].checkpoint.reference)}"
        position += len(visits)


def _slices(stack: Stack) -> list[list[Visit]]:
    """Return the visits by slice, without empty slices."""
    return [list(visits) for _, visits in groupby(stack.visits, key=lambda visit: visit.slice_index)]
