"""The options of a recipe's command, made from the fields of its Options."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import click

from dlec_tui.cli.options import Number, RelatedOption, WholeNumber
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import UsageError
from engine.plan.recipes.fields import Field

Command: TypeAlias = Callable[..., None]


def recipe_options(fields: Iterable[Field]) -> Callable[[Command], Command]:
    """An option for each field, and an argument for each further model."""

    def decorated(command: Command) -> Command:
        for field in reversed(tuple(fields)):
            command = _parameter(field)(command)
        return command

    return decorated


def budget_options(command: Command) -> Command:
    """--layers or --growth, of which a recipe that measures needs one; see `require_budget`."""
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
    """The fields' values among what was given; models are opened."""
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
    """Reads as the field does, and complains as click does."""

    def read(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
        if text is None:
            return field.default
        try:
            return field.read(text)
        except UsageError as error:
            raise click.BadParameter(error.line) from error

    return read
