"""`dlec merge`: a plan becomes a checkpoint."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from dlec_tui.cli import loadchecks
from dlec_tui.cli.options import json_option, plan_argument, strict_option
from dlec_tui.cli.plan_file import PlanFile, read_plan
from dlec_tui.cli.screen import byte_progress
from dlec_tui.wording import byte_size, duration, plural
from engine.checkpoint.find import opener
from engine.errors import escaped, shown
from engine.tasks.download import downloading_opener
from engine.tasks.merge import MergeOptions, MergeReport
from engine.tasks.merge import merge as run_merge

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_LARGEST = 2**63 - 1
"""Bytes that a file can have."""


def _byte_count(_ctx: click.Context, _parameter: click.Parameter, value: str) -> int:
    """5GB, 500MB or 2GiB as a number of bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", value.strip(), re.IGNORECASE | re.ASCII)
    nbytes = float(match[1]) * _UNITS.get(match[2].upper(), 0) if match else 0
    if not 1 <= nbytes <= _LARGEST:
        raise click.BadParameter(f"{shown(value)} is not a size such as 5GB")
    return int(nbytes)


@click.command
@plan_argument
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--max-shard-size", metavar="SIZE", default="5GB", show_default=True, callback=_byte_count, help="Of a file."
)
@click.option("--hash", "hash_sums", is_flag=True, help="Write SHA256SUMS.")
@click.option("--overwrite", is_flag=True, help="Replace OUT; the old one stays until the new one is whole.")
@click.option("--no-reflink", is_flag=True, help="Copy bytes even where the file system could share them.")
@click.option("--no-load-check", is_flag=True, help="Do not have transformers open the result.")
@click.option("--download", "downloads", is_flag=True, help="Download checkpoints that are not here.")
@strict_option
@json_option
def merge(
    plan_path: Path,
    out: Path,
    max_shard_size: int,
    hash_sums: bool,
    overwrite: bool,
    no_reflink: bool,
    no_load_check: bool,
    downloads: bool,
    strict: bool,
    wants_json: bool,
) -> None:
    """Write the checkpoint that PLAN describes to OUT, whole or not at all. Run again, it continues."""
    options = MergeOptions(max_shard_size, not no_reflink, hash_sums, overwrite, not no_load_check)
    plan = read_plan(plan_path, downloading_opener() if downloads else opener())
    if findings := plan.findings():
        click.echo(findings, err=True)
    report = merge_plan(plan, out, options, strict=strict)
    click.echo(json.dumps(report_as_json(report)) if wants_json else "\n".join(merged_lines(report)))


def merge_plan(plan: PlanFile, out: Path, options: MergeOptions, *, strict: bool = False) -> MergeReport:
    """Merge with a progress bar. Raises PlanError for a plan that was refused, and whatever the merge raises."""
    stack = plan.stack(strict=strict)
    with byte_progress("merging") as progress:
        return run_merge(stack, plan.checked.text, out, options, progress)


def report_as_json(report: MergeReport) -> dict[str, object]:
    return {
        "out": str(report.out),
        "bytes": report.nbytes,
        "seconds": round(report.seconds, 3),
        "shards": report.shards,
        "tensors_copied": report.tensors_copied,
        "tensors_computed": report.tensors_computed,
        "loadcheck": loadchecks.as_json(report.loadcheck),
    }


def merged_lines(report: MergeReport) -> Iterator[str]:
    """What was written, what was left behind, and what to do with it."""
    out = shown(report.out)
    files = plural(report.shards, "file")
    tensors = f"{report.tensors_copied:,} tensors copied, {report.tensors_computed:,} computed"
    yield f"{out}: {byte_size(report.nbytes)} in {files}, {tensors}, {duration(report.seconds)}"
    yield loadchecks.as_text(report.loadcheck)
    yield from (f"note: {shown(note)}" for note in report.config.notes)
    yield from (f"left out: {shown(name)} ({reason})" for name, reason in report.sidecars.left_out.items())
    yield f'open it:  AutoModelForCausalLM.from_pretrained({str(report.out)!r}, dtype="auto")'
    yield f"upload:   hf upload USER/NAME {escaped(shlex.quote(str(report.out)))}"
