"""`dlec sweep report`."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.options import RelatedOption, WholeNumber, home_option, json_option
from dlec_tui.cli.plan_file import file_options, write_plan
from dlec_tui.cli.sweep_output import echo_sweep, output_options
from engine.errors import UsageError, shown
from engine.store.database import open_for_reading
from engine.store.sweeps import SweepListing, all_sweeps, find_sweep
from engine.tasks.sweeps.reporting import sweep_report


@click.command
@click.argument("sweep_id", metavar="[SWEEP]", type=WholeNumber(1), required=False)
@click.option(
    "--list",
    "wants_list",
    is_flag=True,
    cls=RelatedOption,
    excludes=("--plan",),
    help="List the sweeps in the store.",
)
@click.option(
    "--plan",
    "plan_name",
    metavar="NAME",
    cls=RelatedOption,
    excludes=("--json",),
    help="Print the YAML of this plan, e.g. to merge it.",
)
@file_options(needs=("--plan",))
@output_options
@home_option
@json_option
def report(
    sweep_id: int | None,
    wants_list: bool,
    plan_name: str | None,
    out: Path | None,
    force: bool,
    wants_csv: bool,
    store: Path,
    wants_json: bool,
) -> None:
    """Show the results of a sweep from the store.

    SWEEP is the number of the sweep (default: the latest). Nothing is measured.
    """
    with closing(open_for_reading(store)) as connection:
        if wants_list:
            listed = all_sweeps(connection)
            click.echo(json.dumps([_as_json(each) for each in listed]) if wants_json else "\n".join(_list(listed)))
            return
        number = sweep_id if sweep_id is not None else _newest(all_sweeps(connection))
        answer = sweep_report(connection, number)
        sweep = find_sweep(connection, number)
    if plan_name is None:
        echo_sweep(answer, wants_json=wants_json, wants_csv=wants_csv)
        return
    assert sweep is not None
    text = next((plan.text for plan in sweep.plans if plan.name == plan_name), None)
    if text is None:
        raise UsageError(f"sweep {number} has no plan {shown(plan_name)}", fix="--csv lists the names of its plans.")
    if out is None:
        click.echo(text, nl=False)
    else:
        write_plan(out, text, overwrite=force)
        click.echo(f"Wrote {shown(out)}. Next: dlec preview {shown(out)}", err=True)


def _newest(listed: Iterable[SweepListing]) -> int:
    newest = next(iter(listed), None)
    if newest is None:
        raise UsageError("there is no sweep in the store", fix="Run one: dlec sweep blocks MODEL")
    return newest.id


def _list(listed: Collection[SweepListing]) -> Iterator[str]:
    if not listed:
        yield "no sweeps"
    for each in listed:
        state = (
            f"finished {each.finished_at}" if each.finished_at else "not finished: run the same command to resume it"
        )
        yield f"{each.id:>4}  {shown(each.space)} of {shown(each.reference)}, {each.plans} plans, {state}"


def _as_json(each: SweepListing) -> Mapping[str, Any]:
    return {name: getattr(each, name) for name in SweepListing.__slots__ if name != "sha256"}
