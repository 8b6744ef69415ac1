"""`dlec diff`."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.options import EXISTING_FILE, ExpandedPath, RelatedOption, home_option, json_option
from dlec_tui.cli.progress import task_progress
from dlec_tui.cli.queueing import Command, Queueing, queue_job, queue_options

_PAIRINGS = ("position", "plan", "copies")
_QUANTITIES = ("relative", "rms", "expected", "identical")


STANDARD_OUTPUT = "-"


def _file_option(name: str, what: str, *, excludes: Sequence[str]) -> Callable[[Command], Command]:
    """An option with an optional file."""
    return click.option(
        name,
        f"{name.removeprefix('--')}_file",
        metavar="[FILE]",
        is_flag=False,
        flag_value=STANDARD_OUTPUT,
        type=ExpandedPath(dir_okay=False, allow_dash=True),
        cls=RelatedOption,
        excludes=excludes,
        help=what,
    )


@click.command
@click.argument("a", metavar="A")
@click.argument("others", metavar="B...", nargs=-1, required=True)
@click.option("--pair", type=click.Choice(_PAIRINGS), help="Layers that are compared (default: the pairing that fits).")
@click.option("--plan", type=EXISTING_FILE, help="Plan that B was made of, if its directory does not record it.")
@click.option("--spectrum", is_flag=True, help="Compute ranks and singular values of each difference.")
@click.option(
    "--quantity", type=click.Choice(_QUANTITIES), default="relative", show_default=True, help="Quantity of the map."
)
@click.option(
    "--scale",
    type=click.Choice(("type", "shared")),
    default="type",
    show_default=True,
    help="Colours by rank within each tensor type, or on one scale.",
)
@_file_option(
    "--csv", "Print one CSV row per tensor, or write it to FILE.", excludes=("--json", "--queue", "--dry-run")
)
@_file_option("--svg", "Print the map as SVG, or write it to FILE.", excludes=("--queue",))
@_file_option("--html", "Print a page with all maps and values, or write it to FILE.", excludes=("--queue",))
@click.option("--download", "downloads", is_flag=True, help="Download missing checkpoints once their headers fit.")
@home_option
@json_option
@queue_options
def diff(
    a: str,
    others: tuple[str, ...],
    pair: str | None,
    plan: Path | None,
    spectrum: bool,
    quantity: str,
    scale: str,
    csv_file: Path | None,
    svg_file: Path | None,
    html_file: Path | None,
    downloads: bool,
    store: Path,
    wants_json: bool,
    queueing: Queueing | None,
) -> None:
    """Compare the weights of B with those of A, tensor by tensor.

    A and B are checkpoints or plans; with several B each is compared with A.

    \b
    position  each layer with the layer of the same number
    plan      each layer of a stack with the layer that it was made of
    copies    each copy of a layer of B with the first one
    """
    from dlec_tui.cli import diff_output
    from engine.comparison.change_map import Quantity, Scale
    from engine.jobs.job_specs import diff_spec
    from engine.tasks import diff as task

    options = {"pair": pair, "plan": None if plan is None else str(plan.absolute()), "spectrum": spectrum}
    requests = [{"a": a, "b": b, **options, "downloads": downloads, "home": str(store.parent)} for b in others]
    if queueing:
        for request in requests:
            queue_job(diff_spec(request), queueing, store, wants_json=wants_json)
        return
    with task_progress("comparing") as report:
        answers = [task.run(request, report) for request in requests]
    drawn = (Quantity(quantity), Scale(scale))
    texts = (
        (csv_file, diff_output.csv_text),
        (svg_file, partial(diff_output.svg_text, quantity=drawn[0], scale=drawn[1])),
        (html_file, partial(diff_output.html_text, quantity=drawn[0], scale=drawn[1])),
    )
    for path, text in texts:
        if path is not None and str(path) != STANDARD_OUTPUT:
            diff_output.write_file(path, text(answers))
    printed = next((text(answers) for path, text in texts if str(path) == STANDARD_OUTPUT), None)
    if printed is not None:
        click.echo(printed, nl=False)
    else:
        click.echo(_json(answers) if wants_json else "\n".join(diff_output.text_lines(answers, *drawn)).rstrip())


def _json(answers: Sequence[dict[str, Any]]) -> str:
    from dlec_tui.cli.diff_output import as_json

    return json.dumps(as_json(answers[0]) if len(answers) == 1 else {"diffs": [as_json(each) for each in answers]})
