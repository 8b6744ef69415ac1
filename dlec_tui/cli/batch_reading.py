"""Finds the plans of a batch, and has them looked over together."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from dlec_tui.batches.planning import Batch, planned_batch
from dlec_tui.cli.plan_file import read_plan
from dlec_tui.cli.queueing import named_plan
from dlec_tui.plans.files import plan_files
from engine.checkpoint.find import opener
from engine.errors import DlecError, NotFoundError, shown
from engine.files import expanded
from engine.jobs.batch import target_of
from engine.jobs.job_specs import NamedPlan
from engine.tasks.merge_draft import MergeOptions


def read_batch(patterns: Iterable[str], directory: Path, options: MergeOptions, store: Path, *, strict: bool) -> Batch:
    """What is wrong inside the plans is said on stderr, as `dlec merge` does; everything else is among the problems.

    directory: where the outputs go. Raises MachineError where the store or the disk cannot be read.
    """
    open_checkpoint = opener()

    def read(path: Path) -> NamedPlan:
        plan = read_plan(path, open_checkpoint, store)
        if findings := plan.findings():
            click.echo(findings, err=True)
        return named_plan(plan, strict=strict)

    plans, missing = _sought(patterns)
    targets = [target_of(plan, directory) for plan in plans]
    found = planned_batch(targets, directory, options, store, open_checkpoint, read)
    return replace(found, refused={**missing, **found.refused})


def _sought(patterns: Iterable[str]) -> tuple[list[Path], dict[Path, DlecError]]:
    """Each file once, in the order given, and what is no file."""
    found: dict[Path, Path] = {}
    missing: dict[Path, DlecError] = {}
    for pattern in patterns:
        files = plan_files(str(expanded(pattern)))
        if not files:
            missing[Path(pattern)] = NotFoundError(f"there is no plan {shown(pattern)}", where={"path": pattern})
        for file in files:
            found.setdefault(file.absolute(), file)
    return list(found.values()), missing
