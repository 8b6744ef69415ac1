"""`dlec plan convert`."""

import json
from dataclasses import dataclass
from pathlib import Path

import click

from dlec_tui.cli.options import accepted_home_option, json_option, remote_option
from engine.checkpoint.find import opener
from engine.errors import UsageError, shown
from engine.plan.layer_formats import MERGEKIT, NAMES, doubts, guessed, read, write
from engine.plan.layer_formats.mergekit import left_out, model_of, needs_layer_count, plan_of
from engine.plan.plan_file import plan_text_of

_dialect = click.Choice(NAMES)


@dataclass(frozen=True, slots=True)
class _Given:
    """Text to convert."""

    text: str
    origin: str
    """Name of the file, or the text itself."""
    dialect: str
    model: str | None = None
    """Model of a plan."""
    needs_count: bool = False
    """True if the meaning depends on the number of layers of the model."""


@click.command
@click.argument("text", metavar="TEXT|FILE")
@click.option("--from", "source", type=_dialect, help="Source format (default: detect).")
@click.option("--to", "target", type=_dialect, default=MERGEKIT, show_default=True, help="Target format.")
@click.option("--model", metavar="MODEL", help="Model of the layers (default: the one that the plan names).")
@accepted_home_option
@json_option
@remote_option
def convert(text: str, source: str | None, target: str, model: str | None, wants_json: bool, remote: bool) -> None:
    """Convert a layer list between mergekit plans and the formats of other tools.

    \b
    mergekit    a plan in YAML    [0, 16] excludes its end
    exllamav3   0..15,11..31      ends included; ..15 and 11.. are open
    rys         (11,16)           layers 11 to 15 repeated once; several blocks allowed
    list        0,1,2,1,2,3       every layer
    exllamav2   [(0,20),(10,30)]  ends excluded
    llama.cpp   0-5,7,8-12        ends included
    python      0:16,8:32         Python slices, ends excluded; :16 and 8: are open
    map         {0: 0, 1: 1}      source layer of each new layer
    """
    given = _given(text, source)
    named = model or given.model
    needs_count = model is not None or given.needs_count or target == "rys"
    count = opener(remote=remote)(named).layer_count if named and needs_count else None
    layers = read(given.text, given.dialect, count)
    if doubt := doubts(layers, given.dialect, count):
        click.echo(f"note: {doubt}", err=True)
    if target == MERGEKIT and named is None:
        raise UsageError(
            "--to mergekit needs a model", why=f"{shown(text)} does not name one", fix="Give --model MODEL."
        )
    result = write(layers, target, count, named or "", given.origin)
    click.echo(json.dumps({"text": result, "layers": layers}) if wants_json else result)


def _given(text: str, source: str | None) -> _Given:
    """Read the input. Raises UsageError for an unknown format, PlanError for a plan with an error."""
    content = _content(text)
    dialect = source or guessed(content)
    if dialect != MERGEKIT:
        return _Given(content, text, dialect)
    if source is None and content == text and "\n" not in text:
        why = "there is no such file, and its format is not one of " + ", ".join(NAMES)
        raise UsageError(
            f"{shown(text)} cannot be converted", why=why, fix="Give a file, or layers such as 0..15,11..31 or (11,16)."
        )
    return _given_plan(content, text)


def _given_plan(content: str, origin: str) -> _Given:
    """Read a plan and print what the other formats cannot express."""
    plan = plan_of(content)
    for lost in left_out(plan):
        click.echo(f"not converted: {lost}", err=True)
    return _Given(content, origin, MERGEKIT, model_of(plan), needs_layer_count(plan))


def _content(text: str) -> str:
    """Return the content of the file with this name, or the text itself if there is no such file."""
    path = Path(text)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a file name, or with a NUL
        is_file = False
    return plan_text_of(path) if is_file else text
