"""Verification of any checkpoint: its files, its sums, and a load check by transformers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.formats.registry import format_in
from engine.errors import CheckpointError, shown
from engine.merge.integrity import SUMS_FILE, mismatches, structure_problems
from engine.merge.manifest import read_inherited
from engine.plan.source_defects import judged_alone
from engine.protocol import Report
from engine.tasks import loadcheck
from engine.tasks.loadcheck import LoadCheck


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of verifying a checkpoint directory."""

    directory: Path
    layers: int
    parameters: int
    nbytes: int
    """Total size of the tensors in bytes."""
    shards: int
    problems: tuple[str, ...]
    """Descriptions of problems, other than those of the load check."""
    sums_checked: bool
    """True if SHA256SUMS exists."""
    loadcheck: LoadCheck | None
    """None if not requested, or if the files are broken."""

    @property
    def ok(self) -> bool:
        return not self.problems and (self.loadcheck is None or self.loadcheck.ok)


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"directory", "load_check": whether transformers opens it (default true)}.

    Answer: `report_as_json`. Raises what `verify` raises.
    """
    report(0, 1, "verifying")
    return report_as_json(verify(Path(request["directory"]), load_check=request.get("load_check", True)))


def verify(directory: Path, *, load_check: bool = True) -> VerifyReport:
    """Check the checkpoint in `directory`. Problems are reported, not raised.

    Raises CheckpointError if it is not a checkpoint, MachineError if it cannot be read.
    """
    checkpoint = open_checkpoint(directory)
    problems = (*structure_problems(directory), *_sum_problems(directory))
    return VerifyReport(
        directory=directory,
        layers=checkpoint.layer_count,
        parameters=checkpoint.parameters,
        nbytes=checkpoint.nbytes,
        shards=len(format_in(directory).weight_files(directory)),
        problems=problems,
        sums_checked=(directory / SUMS_FILE).exists(),
        loadcheck=_load_checked(checkpoint) if load_check and not problems else None,
    )


def _load_checked(checkpoint: Checkpoint) -> LoadCheck:
    """Run the load check, ignoring announced prediction layers and findings that a merge inherited from its sources."""
    check = loadcheck.load_check(checkpoint.directory)
    return judged_alone(check, checkpoint, read_inherited(checkpoint.directory))


def report_as_json(report: VerifyReport) -> dict[str, Any]:
    """Return the output of `dlec verify --json`."""
    return {
        "ok": report.ok,
        "directory": str(report.directory),
        "layers": report.layers,
        "parameters": report.parameters,
        "bytes": report.nbytes,
        "shards": report.shards,
        "problems": list(report.problems),
        "sums_checked": report.sums_checked,
        "loadcheck": loadcheck.as_json(report.loadcheck),
    }


def _sum_problems(directory: Path) -> Iterator[str]:
    if not (directory / SUMS_FILE).exists():
        return
    try:
        yield from (f"{shown(name)} does not match its sum in {SUMS_FILE}" for name in mismatches(directory))
    except CheckpointError as error:
        yield error.line
