"""Output of a sweep: text, JSON, CSV."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from dlec_tui.cli.charts import chart_size, heat_lines
from dlec_tui.cli.measuring import Command
from dlec_tui.cli.options import RelatedOption
from dlec_tui.jobs.sweep_report import harm_map, sweep_lines

COLUMNS = (
    *("name", "start", "end", "scale", "nll", "delta_nll", "se", "low", "high", "p", "holm_p", "kl", "top1_agreement"),
    *("stopped_after", "heldout_delta_nll", "heldout_low", "heldout_high", "heldout_p", "heldout_holm_p"),
    *("probe_right", "probe_only_plan", "probe_only_base", "probe_p", "probe_holm_p", "visits"),
)
"""Columns of the CSV. A block is layers start to end - 1; differences are plan minus base, in nats per token."""


def output_options(command: Command) -> Command:
    """Add --csv; --json is one of the options of measuring."""
    return click.option(
        "--csv",
        "wants_csv",
        is_flag=True,
        cls=RelatedOption,
        excludes=("--json", "--queue", "--dry-run", "--list", "--plan"),
        help="Print one CSV row per plan.",
    )(command)


def echo_sweep(answer: Mapping[str, Any], *, wants_json: bool, wants_csv: bool) -> None:
    """Print the result of the sweep task."""
    if wants_json:
        click.echo(json.dumps(answer))
    elif wants_csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(csv_rows(answer))
    else:
        click.echo("\n".join([*sweep_lines(answer), *map_lines(answer)]))


def map_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield a heat map of the cost of repeating each block, if any block has more than one layer."""
    block_map = harm_map(answer)
    if block_map and block_map.longest > 1:
        yield "cost of repeating a block: first layer across, length down"
        yield from heat_lines(block_map, answer["layers"], chart_size()[0])


def csv_rows(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row per plan; values that were not measured are empty."""
    heldout = {plan["name"]: plan for plan in answer["shortlist"]}
    probed = {plan["name"]: plan for plan in (answer["probe"] or {"plans": ()})["plans"]}
    for plan in answer["plans"]:
        figures = {name: plan[name] for name in COLUMNS if name in plan}
        start, end = plan["block"] or (None, None)
        low, high = plan["interval95"] or (None, None)
        other = heldout.get(plan["name"], {})
        heldout_low, heldout_high = other.get("interval95") or (None, None)
        yield {
            **figures,
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
