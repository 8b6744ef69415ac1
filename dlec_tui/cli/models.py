"""`dlec models`: the checkpoints that are here, and what each one is."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from dlec_tui.cli.options import json_option
from dlec_tui.wording import byte_size, count
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import below, cached_references, opener
from engine.errors import DlecError, shown


@dataclass(frozen=True)
class ModelRow:
    """One checkpoint of the list; everything but reference and problem is None where it cannot be opened."""

    reference: str
    architecture: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    parameters: int | None = None
    bytes: int | None = None
    dtype: str | None = None
    """The dtype of most bytes."""
    tied: bool | None = None
    """What the config says of tie_word_embeddings; None where it leaves that to the family."""
    problem: str | None = None


@click.command
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def models(paths: tuple[Path, ...], wants_json: bool) -> None:
    """List the checkpoints in each PATH (default: here) and, without PATH, in the hub cache."""
    rows = [_row(reference) for reference in _references(paths)]
    if wants_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
    elif rows:
        click.echo("\n".join(_table(rows)))
    else:
        click.echo("no checkpoints found; one is a directory with config.json and safetensors files", err=True)


def _references(paths: tuple[Path, ...]) -> Iterator[str]:
    for path in paths or (Path(),):
        yield from (str(directory) for directory in below(path))
    if not paths:
        yield from cached_references()


def _row(reference: str) -> ModelRow:
    try:
        return _described(reference, opener()(reference))
    except DlecError as error:
        return ModelRow(reference, problem=error.line)


def _described(reference: str, checkpoint: Checkpoint) -> ModelRow:
    config = checkpoint.config
    hidden_size = config.decoder.get("hidden_size", config.decoder.get("n_embd"))
    return ModelRow(
        reference=reference,
        architecture=config.model_type or None,
        layers=checkpoint.layer_count,
        hidden_size=hidden_size if isinstance(hidden_size, int) else None,
        parameters=checkpoint.parameters,
        bytes=checkpoint.nbytes,
        dtype=_main_dtype(checkpoint),
        tied=config.ties_embeddings,
    )


def _main_dtype(checkpoint: Checkpoint) -> str | None:
    by_dtype: Counter[str] = Counter()
    for tensor in checkpoint.tensors.values():
        by_dtype[tensor.dtype] += tensor.nbytes
    return by_dtype.most_common(1)[0][0] if by_dtype else None


def _table(rows: list[ModelRow]) -> Iterator[str]:
    yield "architecture   layers hidden   parameters     size dtype tied  model"
    for row in rows:
        if row.problem:
            yield f"{click.style('unusable', fg='red'):14} {shown(row.reference)}: {shown(row.problem)}"
            continue
        tied = {True: "yes", False: "no", None: "?"}[row.tied]
        yield (
            f"{shown(row.architecture or '?'):14} {row.layers:>6} {row.hidden_size or '?':>6} "
            f"{count(row.parameters or 0):>12} {byte_size(row.bytes or 0):>8} {row.dtype:5} {tied:4}  "
            f"{shown(row.reference)}"
        )
