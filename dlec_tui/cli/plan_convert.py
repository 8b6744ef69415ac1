"""`dlec plan convert`: a plan in the words of other tools, and theirs as a plan."""

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
    """What is to be converted."""

    text: str
    origin: str
    """As the user called it: a file's name, or the text itself."""
    dialect: str
    model: str | None = None
    """That a plan names."""
    needs_count: bool = False
    """How deep the model is decides what it means."""


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
        raise UsageError("a plan names its model", why=f"{shown(text)} names none", fix="Give --model MODEL.")
    result = write(layers, target, count, named or "", given.origin)
    click.echo(json.dumps({"text": result, "layers": layers}) if wants_json else result)


def _given(text: str, source: str | None) -> _Given:
    """Raises UsageError for what is neither a file nor looks like any dialect, PlanError for a plan with an error."""
    content = _content(text)
    dialect = source or guessed(content)
    if dialect != MERGEKIT:
        return _Given(content, text, dialect)
    if source is None and content == text and "\n" not in text:
        why = "there is no such file, and it looks like none of " + ", ".join(NAMES)
        raise UsageError(f"{shown(text)} cannot be converted", why=why, fix="Such as 0..15,11..31 or (11,16).")
    return _given_plan(content, text)


def _given_plan(content: str, origin: str) -> _Given:
    """Says what of the plan is lost."""
    plan = plan_of(content)
    for lost in left_out(plan):
        click.echo(f"not converted: {lost}", err=True)
    return _Given(content, origin, MERGEKIT, model_of(plan), needs_layer_count(plan))


def _content(text: str) -> str:
    """What is in the file of that name, or the text itself where there is none."""
    path = Path(text)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # longer than a name may be, or with a NUL
        is_file = False
    return plan_text_of(path) if is_file else text
