"""`dlec plan new`: a recipe writes a plan."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.groups import VerbGroup, with_example
from dlec_tui.cli.options import accepted_home_option, json_option, remote_option
from dlec_tui.cli.plan_file import file_options, write_plan
from dlec_tui.cli.recipe_options import Command, recipe_options, values_of
from engine.checkpoint.find import opener
from engine.errors import shown
from engine.plan.recipes.registry import MEASURED, RECIPES, Recipe
from engine.tasks.inertness import written

MEASURING = {
    "dlec": "dlec_tui.cli.plan_new_measured:measured",
    "dlec-search": "dlec_tui.cli.plan_new_measured:searched",
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
        if cmd_name not in RECIPES:
            return None
        return with_example(_command(RECIPES[cmd_name]), f"{ctx.command_path} {cmd_name}")


@click.group(cls=RecipeGroup, verbs=MEASURING)
def new() -> None:
    """Write a plan for MODEL with a recipe.

    A recipe is a method of growing or pruning a model; its options have defaults that fit the depth of the model.
    """


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


def _command(recipe: Recipe) -> click.Command:
    fields = recipe.fields

    def write(model: str, **given: Any) -> None:
        open_checkpoint = opener(remote=given["remote"])
        options = recipe.options(**values_of(fields, given, open_checkpoint))
        deliver({"plan": written(recipe, open_checkpoint(model), options)}, given)

    command: Command = write
    options = (json_option, accepted_home_option, remote_option, file_options(), recipe_options(fields))
    for decorate in (*options, click.argument("model")):
        command = decorate(command)
    return click.command(recipe.name, help=recipe.summary)(command)
