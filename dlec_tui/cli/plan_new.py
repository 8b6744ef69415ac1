"""`dlec plan new`: a recipe writes a plan."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.exit_codes import VerbGroup
from dlec_tui.cli.options import json_option, remote_option
from engine.checkpoint.find import opener
from engine.errors import MachineError, UsageError, shown
from engine.files import write_new, write_whole
from engine.plan.recipes import llama_pro
from engine.plan.recipes import repeat as repeat_recipe

VERBS = {
    "repeat": "dlec_tui.cli.plan_new:repeat",
    "llama-pro": "dlec_tui.cli.plan_new:expand",
    "dlec": "dlec_tui.cli.plan_new_measured:measured",
    "dlec-classic": "dlec_tui.cli.plan_new_measured:classic",
}


def _layer_range(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    """START:END as two numbers."""
    try:
        start, end = map(int, value.split(":"))
    except ValueError as error:
        raise click.BadParameter(f"{shown(value)} is not two numbers such as 12:17") from error
    return start, end


def _recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """What every recipe takes."""
    for decorate in (
        json_option,
        remote_option,
        click.option("--force", is_flag=True, help="Overwrite FILE."),
        click.option(
            "-o", "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write to FILE."
        ),
        click.argument("model"),
    ):
        command = decorate(command)
    return command


@click.group(cls=VerbGroup, verbs=VERBS)
def new() -> None:
    """Write a plan for MODEL with a recipe, to stdout or a file."""


@click.command
@_recipe_options
@click.option(
    "--layers", metavar="START:END", callback=_layer_range, required=True, help="The block to repeat, END exclusive."
)
@click.option("--times", type=int, default=1, show_default=True, help="How many extra visits.")
def repeat(model: str, layers: tuple[int, int], times: int, **output: Any) -> None:
    """Visit one contiguous block of layers again, right after itself."""
    options = repeat_recipe.Options(*layers, times)
    _deliver(repeat_recipe.write(opener(remote=output["remote"])(model), options), output)


@click.command("llama-pro")
@_recipe_options
@click.option("--groups", type=int, required=True, help="How many inert copies to spread over the layers.")
def expand(model: str, groups: int, **output: Any) -> None:
    """Insert copies that add nothing until they are trained (LLaMA Pro)."""
    options = llama_pro.Options(groups)
    _deliver(llama_pro.write(opener(remote=output["remote"])(model), options), output)


def _deliver(plan_text: str, output: dict[str, Any]) -> None:
    """The plan to the file of --out or to stdout, as --json says."""
    path: Path | None = output["out"]
    if path is not None:
        write_plan(path, plan_text, overwrite=output["force"])
    if output["wants_json"]:
        click.echo(json.dumps({"plan": plan_text, "out": path and str(path)}))
    elif path is None:
        click.echo(plan_text, nl=False)
    else:
        click.echo(f"{shown(path)} written; next: dlec plan check {shown(path)}", err=True)


def write_plan(path: Path, plan_text: str, *, overwrite: bool) -> None:
    """Raises UsageError when the file exists and may not be overwritten, MachineError when it cannot be written."""
    content = plan_text.encode()
    if path.exists() and not path.is_file():
        raise UsageError(f"{shown(path)} is not a file", fix="Give another file; without --out the plan is printed.")
    try:
        if overwrite:
            write_whole(path.resolve(), content)
        else:
            write_new(path, content)
    except FileExistsError as error:
        raise UsageError(f"{shown(path)} exists", fix="Give another file, or --force to overwrite it.") from error
    except OSError as error:
        raise MachineError(f"{shown(path)} cannot be written", why=error.strerror or str(error)) from error
