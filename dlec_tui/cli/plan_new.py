"""`dlec plan new`: a recipe writes a plan."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.groups import VerbGroup, with_example
from dlec_tui.cli.options import NEW_FILE, RelatedOption, home_option, json_option, remote_option
from dlec_tui.cli.recipe_options import Command, recipe_options, values_of
from engine.checkpoint.find import opener
from engine.errors import MachineError, NotFoundError, UsageError, machine_error, shown
from engine.files import write_new, write_whole
from engine.plan.recipes.registry import MEASURED, RECIPES, Recipe
from engine.tasks.inertness import inertness_trials

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
        if cmd_name not in RECIPES:
            return None
        return with_example(_command(RECIPES[cmd_name]), f"{ctx.command_path} {cmd_name}")


@click.group(cls=RecipeGroup, verbs=MEASURING)
def new() -> None:
    """Write a plan for MODEL with a recipe.

    A recipe is a method of growing or pruning a model; its options have defaults that fit the depth of the model.
    """


def file_options(*, needs: Sequence[str] = ()) -> Callable[[Command], Command]:
    """--out and --force; a file that cannot be written is refused before the verb begins.

    needs: an option without which --out has no meaning.
    """

    def decorated(command: Command) -> Command:
        @click.option(
            "-o",
            "--out",
            metavar="FILE",
            type=NEW_FILE,
            cls=RelatedOption,
            needs=needs,
            help="Output file (default: standard output).",
        )
        @click.option("--force", is_flag=True, cls=RelatedOption, needs=("--out",), help="Overwrite the output file.")
        @wraps(command)
        def with_file(*arguments: Any, out: Path | None, force: bool, **options: Any) -> None:
            if out is not None:
                require_writable(out, overwrite=force)
            command(*arguments, out=out, force=force, **options)

        return with_file

    return decorated


def require_writable(path: Path, *, overwrite: bool) -> None:
    """Raises UsageError for a file that exists or has no directory, MachineError where writing is not permitted."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{shown(path)} is not a file", fix="Give another file; without --out the plan is printed.")
    if path.exists() and not overwrite:
        raise _exists(path)
    directory = path.resolve().parent
    if not directory.is_dir():
        raise NotFoundError(f"{shown(path)} cannot be written", why=f"there is no directory {shown(directory)}")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise MachineError(f"{shown(path)} cannot be written", why=f"{shown(directory)} is not writable")


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
    require_writable(path, overwrite=overwrite)
    content = plan_text.encode()
    try:
        if overwrite:
            write_whole(path.resolve(), content)
        else:
            write_new(path, content)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise machine_error(f"{shown(path)} cannot be written", error) from error


def _exists(path: Path) -> UsageError:
    return UsageError(f"{shown(path)} exists", fix="Give another file, or --force to overwrite it.")


def _command(recipe: Recipe) -> click.Command:
    fields = recipe.fields

    def write(model: str, **given: Any) -> None:
        open_checkpoint = opener(remote=given["remote"])
        options = recipe.options(**values_of(fields, given, open_checkpoint))
        trials, checkpoint = inertness_trials(given["store"].parent), open_checkpoint(model)
        plan = trials.written(recipe, checkpoint, options)
        unknown = trials.known(checkpoint).unknown if recipe.promises_inertness(options) else ""
        deliver({"plan": plan}, given, [f"it is not known whether the copies are inert: {unknown}"] if unknown else [])

    command: Command = write
    options = (json_option, home_option, remote_option, file_options(), recipe_options(fields))
    for decorate in (*options, click.argument("model")):
        command = decorate(command)
    return click.command(recipe.name, help=recipe.summary)(command)
