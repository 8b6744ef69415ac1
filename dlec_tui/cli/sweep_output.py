"""How a sweep is printed: for people, as JSON, as CSV."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from dlec_tui.cli.measuring import Command
from dlec_tui.cli.options import RelatedOption
from dlec_tui.cli.render import chart_size, heat_lines
from dlec_tui.jobs.sweep_report import harm_map, sweep_lines

COLUMNS = (
    *("name", "start", "end", "scale", "nll", "delta_nll", "se", "low", "high", "p", "holm_p", "kl", "top1_agreement"),
    *("stopped_after", "heldout_delta_nll", "heldout_low", "heldout_high", "heldout_p", "heldout_holm_p"),
    *("probe_right", "probe_only_plan", "probe_only_base", "probe_p", "probe_holm_p", "visits"),
)
"""Of the CSV. Block: layers start to end - 1; differences are plan minus base, in nats per token."""


def output_options(command: Command) -> Command:
    """--csv; --json comes with the options of measuring."""
    return click.option(
        "--csv",
        "wants_csv",
        is_flag=True,
        cls=RelatedOption,
        excludes=("--json", "--queue", "--dry-run", "--list", "--plan"),
        help="Print one CSV row per plan.",
    )(command)


def echo_sweep(found: Mapping[str, Any], *, wants_json: bool, wants_csv: bool) -> None:
    """The sweep task's answer on stdout."""
    if wants_json:
        click.echo(json.dumps(found))
    elif wants_csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(csv_rows(found))
    else:
        click.echo("\n".join([*sweep_lines(found), *map_lines(found)]))


def map_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What repeating each block costs, as a heat map; nothing where no blocks longer than a layer were measured."""
    block_map = harm_map(found)
    if block_map and block_map.longest > 1:
        yield "cost of repeating a block: first layer across, length down"
        yield from heat_lines(block_map, found["layers"], chart_size()[0])


def csv_rows(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each plan, empty where nothing was measured."""
    judged = {plan["name"]: plan for plan in found["shortlist"]}
    probed = {plan["name"]: plan for plan in (found["probe"] or {"plans": ()})["plans"]}
    for plan in found["plans"]:
        told = {name: plan[name] for name in COLUMNS if name in plan}
        start, end = plan["block"] or (None, None)
        low, high = plan["interval95"] or (None, None)
        other = judged.get(plan["name"], {})
        heldout_low, heldout_high = other.get("interval95") or (None, None)
        yield {
            **told,
            "start": start,
            "end": end,
            "low": low,
            "high": high,
            "heldout_delta_nll": other.get("delta_nll"),
            "heldout_low": heldout_low,
            "heldout_high": heldout_high,
            "heldout_p": other.get("p"),
            "heldout_holm_p": other.get("holm_p"),
            **{f"probe_{name}": probed.get(plan["name"], {}).get(name) for name in _PROBED},
        }


_PROBED = ("right", "only_plan", "only_base", "p", "holm_p")
