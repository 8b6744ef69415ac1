"""`dlec plan new dlec` and `dlec-classic`: recipes that measure a model before they write a plan."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.measuring import measured_on, measuring_options, request_for, setting_of
from dlec_tui.cli.plan_new import write_plan
from dlec_tui.cli.preview import published, verdict
from dlec_tui.cli.screen import task_progress
from dlec_tui.wording import plural
from engine.checkpoint.checkpoint import require_local
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.tasks.child import run_task

Command = Callable[..., None]


def _file_options(command: Command) -> Command:
    command = click.option("--force", is_flag=True, help="Overwrite FILE.")(command)
    file = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "--out", metavar="FILE", type=file, help="Write to FILE.")(command)


@click.command("dlec")
@click.argument("model")
@click.option("--layers", type=click.IntRange(1), help="The budget: how many layers to add.")
@click.option("--growth", type=click.FloatRange(0, 1, min_open=True), help="Or as a share of the model, such as 0.17.")
@_file_options
@measuring_options(None)
def measured(model: str, layers: int | None, growth: float | None, wants_json: bool, **options: Any) -> None:
    """Repeat the block that measurements say harms least; judged on text that nothing was chosen on."""
    if (layers is None) == (growth is None):
        raise click.UsageError("give a budget: either --layers or --growth")
    found = propose(model, {"layers": layers, "growth": growth}, options)
    _deliver(published_proposal(found), proposal_lines(found), options, wants_json=wants_json)


@click.command("dlec-classic")
@click.argument("model")
@_file_options
@measuring_options(None)
def classic(model: str, wants_json: bool, **options: Any) -> None:
    """What the original DLEC rule would write, for comparison; its faults stand in the plan."""
    checkpoint = opener()(model)
    require_local(checkpoint)
    with task_progress("reading first tokens") as progress:
        found = run_task("classic", request_for(checkpoint, setting_of(options)), progress)
    _deliver(found, [], options, wants_json=wants_json)


def propose(model: str, budget: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The propose task's answer for a model and {"layers"} or {"growth"}."""
    checkpoint = opener()(model)
    require_local(checkpoint)
    with task_progress("opening the model") as progress:
        return run_task("propose", request_for(checkpoint, setting_of(options)) | dict(budget), progress)


def published_proposal(found: Mapping[str, Any]) -> dict[str, Any]:
    """What --json prints of a proposal."""
    naive = found["naive"] | {"judged": published(found["naive"]["judged"])}
    return {**found, "judged": published(found["judged"]), "naive": naive}


def proposal_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The measured shortlist, the judgement, and the naive plan beside it."""
    yield "block     residual   harm, nats a token"
    for each in found["shortlist"]:
        block = f"{each['start']}-{each['end'] - 1}"
        yield f"{block:9} {each['residual']:8.4f}   {each['delta_nll']:+.4f} ± {each['se']:.4f}"
    start, end = found["block"]
    yield f"proposed: layers {start} to {end - 1} once more"
    yield f"    {verdict(found['judged'])}"
    layers = found["naive"]["layers"]
    yield f"the {plural(len(layers), 'best single layer')} ({', '.join(map(str, layers))}) instead"
    yield f"    {verdict(found['naive']['judged'])}"
    yield measured_on(found["judged"])


def _deliver(
    found: Mapping[str, Any], lines: Iterator[str] | list[str], options: Mapping[str, Any], *, wants_json: bool
) -> None:
    """The plan to the file of --out or to stdout; what was measured is talk, or the JSON."""
    path: Path | None = options["out"]
    if path is not None:
        write_plan(path, found["plan"], overwrite=options["force"])
    if wants_json:
        click.echo(json.dumps({**found, "out": path and str(path)}))
        return
    for line in lines:
        click.echo(line, err=True)
    if path is None:
        click.echo(found["plan"], nl=False)
    else:
        click.echo(f"{shown(path)} written; next: dlec plan check {shown(path)}", err=True)
