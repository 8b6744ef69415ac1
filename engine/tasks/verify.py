"""Verification of any checkpoint: its files, its checksums, and that transformers loads it completely."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.formats.registry import format_in
from engine.errors import CheckpointError, shown
from engine.merge.integrity import SUMS_FILE, mismatches, structure_problems
from engine.merge.manifest import read_inherited
from engine.plan.loading import judged_alone
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
    """Size of its tensors."""
    shards: int
    problems: tuple[str, ...]
    """Sentences; a failed load check has its own report."""
    sums_checked: bool
    """False when there is no SHA256SUMS."""
    loadcheck: LoadCheck | None
    """None if it was not requested, or if the files have problems."""

    @property
    def ok(self) -> bool:
        return not self.problems and (self.loadcheck is None or self.loadcheck.ok)


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The task: {"directory", "load_check": whether transformers is to open it, true if left out}.

    Answer: `report_as_json`. Raises what `verify` raises.
    """
    report(0, 1, "verifying")
    return report_as_json(verify(Path(request["directory"]), load_check=request.get("load_check", True)))


def verify(directory: Path, *, load_check: bool = True) -> VerifyReport:
    """Check the checkpoint in `directory`. Problems are reported, not raised.

    Raises CheckpointError when it is too broken to be called a checkpoint, MachineError when it cannot be read.
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
    """Announced prediction layers are to be left unopened, and a merge is not blamed for what its sources had."""
    found = loadcheck.load_check(checkpoint.directory)
    return judged_alone(found, checkpoint, read_inherited(checkpoint.directory))


def report_as_json(report: VerifyReport) -> dict[str, Any]:
    """The report as `dlec verify --json` prints it."""
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
        yield from (f"{shown(name)} does not have the sum that {SUMS_FILE} says" for name in mismatches(directory))
    except CheckpointError as error:
        yield error.line
