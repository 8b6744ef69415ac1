"""`dlec merge`."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from dlec_tui.cli.options import (
    ANY_PATH,
    home_option,
    json_option,
    max_shard_size_option,
    patch_option,
    plan_argument,
    strict_option,
)
from dlec_tui.cli.plan_file import PlanFile, opened_by_transformers, read_plan
from dlec_tui.cli.progress import byte_progress
from dlec_tui.cli.queueing import Queueing, named_plan, queue_job, queue_options
from dlec_tui.jobs.reports import load_check_text
from engine.checkpoint.find import opener
from engine.errors import escaped, shown
from engine.jobs.batch import Target, conflicts, unfinished_merges
from engine.jobs.job_specs import merge_spec
from engine.plan.companions import REWRITTEN
from engine.tasks.download import downloading_opener
from engine.tasks.merge import MergeOptions, MergeReport, report_as_json
from engine.tasks.merge import merge as run_merge
from engine.units import byte_size, duration, plural


@click.command
@plan_argument
@click.argument("out", type=ANY_PATH)
@patch_option
@max_shard_size_option
@click.option("--hash", "hash_sums", is_flag=True, help="Write SHA-256 checksums of all files (SHA256SUMS).")
@click.option("--overwrite", is_flag=True, help="Replace an existing OUT when the new one is complete.")
@click.option("--no-reflink", is_flag=True, help="Copy data even if the file system can share it.")
@click.option("--no-load-check", is_flag=True, help="Do not test whether transformers opens the result.")
@click.option("--download", "downloads", is_flag=True, help="Download missing checkpoints.")
@strict_option
@home_option
@json_option
@queue_options
def merge(
    plan_path: Path,
    out: Path,
    patches: tuple[Path, ...],
    max_shard_size: int,
    hash_sums: bool,
    overwrite: bool,
    no_reflink: bool,
    no_load_check: bool,
    downloads: bool,
    strict: bool,
    store: Path,
    wants_json: bool,
    queueing: Queueing | None,
) -> None:
    """Write the model that PLAN describes to OUT.

    OUT appears when it is complete. If a merge is interrupted, the same command resumes it.
    """
    options = MergeOptions(max_shard_size, not no_reflink, hash_sums, overwrite, not no_load_check)
    # A queued merge downloads when it runs; the headers from the hub suffice until then.
    open_checkpoint = downloading_opener() if downloads and not queueing else opener(remote=downloads)
    opened = None if queueing or no_load_check else opened_by_transformers(store)
    # A merge that runs now checks the free disk space itself.
    plan = read_plan(plan_path, open_checkpoint, store, out if queueing else None, opened=opened, patches=patches)
    if findings := plan.findings():
        click.echo(findings, err=True)
    if queueing:
        _require_free(plan_path, out, store, overwrite=overwrite)
        spec = merge_spec(named_plan(plan, strict=strict), out, options, downloads=downloads)
        queue_job(spec, queueing, store, wants_json=wants_json)
        return
    report = merge_plan(plan, out, options, store, strict=strict)
    click.echo(json.dumps(report_as_json(report)) if wants_json else "\n".join(merged_lines(report)))


def _require_free(plan_path: Path, out: Path, store: Path, *, overwrite: bool) -> None:
    """Raise UsageError for an output that exists or that another queued merge writes."""
    problem = None if overwrite else next(conflicts([Target(plan_path, out)], unfinished_merges(store)), None)
    if problem:
        raise problem


def merge_plan(plan: PlanFile, out: Path, options: MergeOptions, store: Path, *, strict: bool = False) -> MergeReport:
    """Merge with a progress bar. Raises PlanError for a refused plan, and the errors of the merge."""
    stack = plan.stack(strict=strict)
    with byte_progress("merging") as progress:
        return run_merge(stack, plan.checked.text, out, options, progress, store.parent)


def _opener_of(report: MergeReport) -> str:
    """Return the transformers class that opens the result; multimodal models have their own."""
    architecture = report.loadcheck.architecture if report.loadcheck else ""
    return (
        "AutoModelForCausalLM"
        if not architecture or architecture.endswith("ForCausalLM")
        else f"transformers.{architecture}"
    )


def merged_lines(report: MergeReport) -> Iterator[str]:
    """Summary of a merge: what was written, what was left out, how to open and upload the result."""
    out = shown(report.out)
    files = plural(report.shards, "file")
    tensors = f"{report.tensors_copied:,} tensors copied, {report.tensors_computed:,} computed"
    yield f"{out}: {byte_size(report.nbytes)} in {files}, {tensors}, {duration(report.seconds)}"
    yield from load_check_text(report.loadcheck).splitlines()
    yield from (f"note: {shown(note)}" for note in report.config.notes)
    yield from (f"rewritten: {shown(name)} ({REWRITTEN})" for name in report.sidecars.rewritten)
    yield from (f"left out: {shown(name)} ({reason})" for name, reason in report.sidecars.left_out.items())
    yield f'open it:  {_opener_of(report)}.from_pretrained({str(report.out)!r}, dtype="auto")'
    yield f"upload:   hf upload USER/NAME {escaped(shlex.quote(str(report.out)))}"
