"""`dlec plan new`: a recipe writes a plan."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.exit_codes import VerbGroup
from dlec_tui.cli.options import json_option, remote_option
from dlec_tui.cli.recipe_options import Command, recipe_options, values_of
from engine.checkpoint.find import opener
from engine.errors import MachineError, UsageError, shown
from engine.files import write_new, write_whole
from engine.plan.recipes.registry import MEASURED, RECIPES, Recipe
from engine.tasks.inertness import written

MEASURING = {
    "dlec": "dlec_tui.cli.plan_new_measured:measured",
    "dlec-search": "dlec_tui.cli.plan_new_search:searched",
    "dlec-classic": "dlec_tui.cli.plan_new_measured:classic",
    "prune": "dlec_tui.cli.plan_new_measured:pruned",
}
"""Recipes whose commands measure, or can."""


class RecipeGroup(VerbGroup):
    """Its verbs are the recipes; a recipe that does not measure gets the command that its options make."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [*MEASURED, *RECIPES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if measuring := super().get_command(ctx, cmd_name):
            return measuring
        return _command(RECIPES[cmd_name]) if cmd_name in RECIPES else None


@click.group(cls=RecipeGroup, verbs=MEASURING)
def new() -> None:
    """Write a plan for MODEL with a recipe, to stdout or a file."""


def file_options(command: Command) -> Command:
    """--out and --force."""
    command = click.option("--force", is_flag=True, help="Overwrite FILE.")(command)
    file = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "--out", metavar="FILE", type=file, help="Write to FILE.")(command)


def deliver(found: Mapping[str, Any], given: Mapping[str, Any], talk: Iterable[str] = ()) -> None:
    """The "plan" among what was found to the file of --out or to stdout; all of it as --json says, else with talk."""
    path: Path | None = given["out"]
    if path is not None:
        write_plan(path, found["plan"], overwrite=given["force"])
    if given["wants_json"]:
        click.echo(json.dumps({**found, "out": path and str(path)}))
        return
    for line in talk:
        click.echo(line, err=True)
    if path is None:
        click.echo(found["plan"], nl=False)
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


def _command(recipe: Recipe) -> click.Command:
    fields = recipe.fields

    def write(model: str, **given: Any) -> None:
        open_checkpoint = opener(remote=given["remote"])
        options = recipe.options(**values_of(fields, given, open_checkpoint))
        deliver({"plan": written(recipe, open_checkpoint(model), options)}, given)

    command: Command = write
    for decorate in (json_option, remote_option, file_options, recipe_options(fields), click.argument("model")):
        command = decorate(command)
    return click.command(recipe.name, help=recipe.summary)(command)
