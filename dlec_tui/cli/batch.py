"""`dlec batch`."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dlec_tui.batches import Batch, disk_line, planned_batch, specs_of
from dlec_tui.cli.exit_codes import code_of
from dlec_tui.cli.failures import error_as_json, say_error
from dlec_tui.cli.options import (
    DIRECTORY,
    RelatedOption,
    home_option,
    json_option,
    max_shard_size_option,
    strict_option,
)
from dlec_tui.cli.plan_file import read_plan
from dlec_tui.cli.queueing import hint_at_workers, named_plan, priority_option
from dlec_tui.plans.files import plan_files
from dlec_tui.wording import cell_len, padded
from engine.checkpoint.find import opener
from engine.errors import DlecError, NotFoundError, escaped, shown
from engine.files import expanded
from engine.jobs.batch import PlannedMerge, batch_id, target_of
from engine.jobs.job_specs import NamedPlan
from engine.jobs.queue import submit
from engine.jobs.slurm import JobArray, script_of
from engine.merge.draft import MergeOptions
from engine.plan.cost import cost_of
from engine.units import byte_size, count


@click.command
@click.argument("patterns", metavar="PLANS...", nargs=-1, required=True)
@click.option("--out", "directory", metavar="DIR", required=True, type=DIRECTORY, help="Directory for the outputs.")
@click.option("--dry-run", "is_rehearsal", is_flag=True, help="Show the merges and their problems; queue nothing.")
@click.option(
    "--slurm",
    "for_slurm",
    is_flag=True,
    cls=RelatedOption,
    excludes=("--dry-run", "--json", "--priority"),
    help="Print an sbatch script with one array task per plan; queue nothing.",
)
@priority_option
@max_shard_size_option
@strict_option
@home_option
@json_option
@click.pass_context
def batch(
    ctx: click.Context,
    patterns: tuple[str, ...],
    directory: Path,
    is_rehearsal: bool,
    for_slurm: bool,
    priority: int | None,
    max_shard_size: int,
    strict: bool,
    store: Path,
    wants_json: bool,
) -> None:
    """Queue merges of several plans.

    PLANS are files or quoted patterns. The output of NAME.yaml is DIR/NAME. Either all merges are queued or none: plans
    with errors, outputs that exist or that two merges share, and insufficient disk space are reported.
    """
    options = MergeOptions(max_shard_size)
    planned = read_batch(patterns, directory, options, store, strict=strict)
    if is_rehearsal:
        click.echo(json.dumps(batch_as_json(planned)) if wants_json else "\n".join(batch_lines(planned)))
    if planned.problems:
        for problem in planned.problems:
            say_error(str(problem))
        if wants_json and not is_rehearsal:
            click.echo(json.dumps({"error": error_as_json(min(planned.problems, key=code_of))}))
        ctx.exit(min(map(code_of, planned.problems)))
    if for_slurm:
        click.echo(os.fsencode(script_of(job_array(planned.merges, directory, options, strict=strict))), nl=False)
    elif not is_rehearsal:
        queue_batch(planned.merges, options, priority or 0, store, wants_json=wants_json)


def queue_batch(
    merges: Sequence[PlannedMerge], options: MergeOptions, priority: int, store: Path, *, wants_json: bool
) -> None:
    """Submit the merges together, in order, and print their job numbers."""
    name = batch_id(datetime.now())
    specs = list(specs_of(merges, options, name, priority))
    job_ids = submit(store, specs)
    if wants_json:
        click.echo(json.dumps({"batch": name, "jobs": job_ids}))
    else:
        for job_id, spec in zip(job_ids, specs, strict=True):
            click.echo(f"Queued job {job_id}: {escaped(spec.title)}")
    hint_at_workers(store, job_ids)


def job_array(merges: Sequence[PlannedMerge], directory: Path, options: MergeOptions, *, strict: bool) -> JobArray:
    return JobArray(
        plans=tuple(merge.target.plan.absolute() for merge in merges),
        out=directory.absolute(),
        working_directory=Path.cwd(),
        options=("--max-shard-size", str(options.max_shard_size), *(["--strict"] if strict else [])),
    )


def batch_lines(planned: Batch) -> Iterator[str]:
    """Return one line per merge, and the disk space in total."""
    rows = [("plan", "output", "layers", "parameters", "size"), *map(_row, planned.merges)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for plan, out, *figures in rows:
        names = f"{padded(plan, widths[0])}  {padded(out, widths[1])}"
        yield "  ".join([names, *(f"{figure:>{width}}" for figure, width in zip(figures, widths[2:], strict=True))])
    yield disk_line(planned)


def _row(merge: PlannedMerge) -> tuple[str, str, str, str, str]:
    cost = cost_of(merge.plan.stack)
    names = shown(merge.target.plan), shown(merge.target.out)
    return *names, str(cost.layers), count(cost.parameters), byte_size(merge.draft.layout.nbytes)


def batch_as_json(planned: Batch) -> dict[str, Any]:
    return {
        "ok": not planned.problems,
        "merges": [_merge_as_json(merge) for merge in planned.merges],
        "needed_bytes": planned.use.batch,
        "queued_bytes": planned.use.queued,
        "free_bytes": planned.use.free,
        "problems": [problem.line for problem in planned.problems],
    }


def _merge_as_json(merge: PlannedMerge) -> dict[str, Any]:
    cost = cost_of(merge.plan.stack)
    return {
        "plan": str(merge.target.plan),
        "out": str(merge.target.out),
        "layers": cost.layers,
        "parameters": cost.parameters,
        "bytes": merge.draft.layout.nbytes,
    }


def read_batch(patterns: Iterable[str], directory: Path, options: MergeOptions, store: Path, *, strict: bool) -> Batch:
    """Read the plans and check them together. Problems inside plans are printed to stderr, as by `dlec merge`.

    directory: parent of the outputs. Raises MachineError if the store or the disk cannot be read.
    """
    open_checkpoint = opener()

    def read(path: Path) -> NamedPlan:
        plan = read_plan(path, open_checkpoint, store)
        if findings := plan.findings():
            click.echo(findings, err=True)
        return named_plan(plan, strict=strict)

    plans, missing = _plan_paths(patterns)
    targets = [target_of(plan, directory) for plan in plans]
    planned = planned_batch(targets, directory, options, store, open_checkpoint, read)
    return replace(planned, refused={**missing, **planned.refused})


def _plan_paths(patterns: Iterable[str]) -> tuple[list[Path], dict[Path, DlecError]]:
    """Return each plan file once, in order, and an error for each pattern without files."""
    unique: dict[Path, Path] = {}
    missing: dict[Path, DlecError] = {}
    for pattern in patterns:
        files = plan_files(str(expanded(pattern)))
        if not files:
            missing[Path(pattern)] = NotFoundError(f"no plan file matches {shown(pattern)}", where={"path": pattern})
        for file in files:
            unique.setdefault(file.absolute(), file)
    return list(unique.values()), missing
