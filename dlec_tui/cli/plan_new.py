"""`dlec plan new`."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import click

from dlec_tui.cli.groups import VerbGroup, with_example
from dlec_tui.cli.options import Number, RelatedOption, WholeNumber, home_option, json_option, remote_option
from dlec_tui.cli.plan_file import file_options, write_plan
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from engine.errors import UsageError, shown
from engine.plan.recipes.registry import MEASURED, RECIPES, Field, Recipe
from engine.tasks.inertness import inertness_trials

Command: TypeAlias = Callable[..., None]


def recipe_options(fields: Iterable[Field]) -> Callable[[Command], Command]:
    """Add an option for each field, and an argument for each further model."""

    def decorated(command: Command) -> Command:
        for field in reversed(tuple(fields)):
            command = _parameter(field)(command)
        return command

    return decorated


def budget_options(command: Command) -> Command:
    """Add --layers and --growth; a recipe that measures needs one of them, see `require_budget`."""
    share = Number(0, 1, min_open=True)
    command = click.option("--growth", type=share, help="Growth as a share of the model's parameters, e.g. 0.17.")(
        command
    )
    return click.option(
        "--layers",
        type=WholeNumber(1),
        cls=RelatedOption,
        excludes=("--growth",),
        help="Number of layers to add.",
    )(command)


def require_budget(layers: int | None, growth: float | None) -> None:
    if layers is None and growth is None:
        raise click.UsageError("Give --layers or --growth.")


def values_of(
    fields: Iterable[Field], given: Mapping[str, Any], open_checkpoint: Callable[[str], Checkpoint]
) -> dict[str, Any]:
    """Return the values of the fields, with models opened."""
    return {field.name: open_checkpoint(given[field.name]) if field.is_model else given[field.name] for field in fields}


def _parameter(field: Field) -> Callable[[Command], Command]:
    if field.is_model:
        return click.argument(field.name, metavar="MODEL2")
    return click.option(
        *(f"--{field.name.replace('_', '-')}", field.name),
        metavar=field.form,
        help=field.help,
        callback=_reader(field),
        required=field.is_required,
        default=field.written(field.default) or None,
        show_default=True,
    )


def _reader(field: Field) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a click callback that parses like the field."""

    def read(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
        if text is None:
            return field.default
        try:
            return field.read(text)
        except UsageError as error:
            raise click.BadParameter(error.line) from error

    return read


MEASURING = {
    "dlec": "dlec_tui.cli.plan_new_measured:measured",
    "dlec-search": "dlec_tui.cli.plan_new_measured:searched",
    "dlec-classic": "dlec_tui.cli.plan_new_measured:classic",
    "prune": "dlec_tui.cli.plan_new_measured:pruned",
}
"""Recipes whose commands can measure."""


class RecipeGroup(VerbGroup):
    """Group of recipes. The command of a recipe that does not measure is generated from its options."""

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
    """Write a plan with a recipe.

    A recipe is a method of growing or pruning a model; its options have defaults that fit the depth of the model.
    """


def deliver(answer: Mapping[str, Any], given: Mapping[str, Any], talk: Iterable[str] = ()) -> None:
    """The "plan" among what was answer to the file of --out or to stdout; all of it as --json says, else with talk."""
    path: Path | None = given["out"]
    if path is not None:
        write_plan(path, answer["plan"], overwrite=given["force"])
    if given["wants_json"]:
        click.echo(json.dumps({**answer, "out": path and str(path)}))
        return
    for line in talk:
        click.echo(line, err=True)
    if path is None:
        click.echo(answer["plan"], nl=False)
    else:
        click.echo(f"Wrote {shown(path)}. Next: dlec plan check {shown(path)}", err=True)


def _command(recipe: Recipe) -> click.Command:
    fields = recipe.fields

    def write(model: str, **given: Any) -> None:
        open_checkpoint = opener(remote=given["remote"])
        options = recipe.options(**values_of(fields, given, open_checkpoint))
        trials, checkpoint = inertness_trials(given["store"].parent), open_checkpoint(model)
        plan = trials.written(recipe, checkpoint, options)
        unknown = trials.tried(checkpoint).unknown if recipe.promises_inertness(options) else ""
        deliver({"plan": plan}, given, [f"it is not known whether the copies are inert: {unknown}"] if unknown else [])

    command: Command = write
    options = (json_option, home_option, remote_option, file_options(), recipe_options(fields))
    for decorate in (*options, click.argument("model")):
        command = decorate(command)
    return click.command(recipe.name, help=recipe.summary)(command)
