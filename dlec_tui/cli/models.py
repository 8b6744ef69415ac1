"""`dlec models`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import click

from dlec_tui.cli.options import EXISTING_DIRECTORY, accepted_home_option, json_option
from dlec_tui.models.discovery import place_of, summarised
from engine.checkpoint.find import below, cached_references, reference_to
from engine.checkpoint.reference import cached_repository
from engine.checkpoint.summary import ModelSummary
from engine.errors import shown
from engine.units import byte_size, count


@click.command
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=EXISTING_DIRECTORY)
@accepted_home_option
@json_option
def models(paths: tuple[Path, ...], wants_json: bool) -> None:
    """List the checkpoints below each PATH.

    Without PATH, list those below the current directory and in the Hugging Face cache.
    """
    rows = [summarised(reference) for reference in _references(paths)]
    if wants_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
    elif rows:
        click.echo("\n".join(_table(rows)))
    else:
        click.echo(
            "No checkpoints found. A checkpoint is a directory with config.json and safetensors files.", err=True
        )


def _references(paths: tuple[Path, ...]) -> Iterable[str]:
    """Return references to the models, each model once."""
    directories = chain.from_iterable(map(below, paths or (Path(),)))
    references = chain(map(reference_to, directories), () if paths else cached_references())
    first: dict[Path | str, str] = {}
    for reference in references:
        first.setdefault(place_of(reference), reference)
    return first.values()


def _table(rows: list[ModelSummary]) -> Iterator[str]:
    yield "architecture   layers hidden   parameters     size dtype tied  model"
    for row in rows:
        if row.problem:
            yield f"{click.style('unusable', fg='red'):14} {_name(row.reference)}: {shown(row.problem)}"
            continue
        tied = {True: "yes", False: "no", None: "?"}[row.tied]
        yield (
            f"{shown(row.architecture or '?'):14} {row.layers:>6} {row.hidden_size or '?':>6} "
            f"{count(row.parameters or 0):>12} {byte_size(row.bytes or 0):>8} {row.dtype:5} {tied:4}  "
            f"{_name(row.reference)}"
        )


def _name(reference: str) -> str:
    """Return the reference; for a hub cache other than the user's, the repository and its directory."""
    repository = cached_repository(reference)
    return f"{shown(repository)} in {shown(Path(reference).parent)}" if repository else shown(reference)
