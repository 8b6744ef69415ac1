"""Merging of a stack into a checkpoint, which is published atomically after its checks."""

import filecmp
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.find import opener
from engine.checkpoint.layer_keys import ConfigEdit
from engine.errors import DlecError
from engine.merge.draft import (
    AS_USUAL,
    Draft,
    MergeOptions,
    drafted,
    refuse_sources_as_output,
    require_torch_to_compute,
)
from engine.merge.integrity import SUMS_FILE, check_written
from engine.merge.manifest import origin_of, read_origin
from engine.merge.partial import Partial, locked, partial_of
from engine.merge.publish import recover
from engine.merge.sidecars import Sidecars
from engine.merge.space import writing
from engine.merge.writer import Progress
from engine.plan.check import check_plan
from engine.plan.outputs import Copy, Fill
from engine.plan.patches import open_patches
from engine.plan.rules import CheckContext
from engine.plan.stack import Stack
from engine.protocol import Report
from engine.tasks import loadcheck
from engine.tasks.download import downloading_opener
from engine.tasks.header_checks import header_checks
from engine.tasks.loadcheck import LoadCheck
from engine.tasks.merge_writing import write_checkpoint
from engine.tasks.verify import VerifyReport, verify

__all__ = ["MergeOptions", "MergeReport", "merge", "report_as_json", "run"]


@dataclass(frozen=True, slots=True)
class MergeReport:
    """A finished merge."""

    out: Path
    nbytes: int
    """Total size of the shards in bytes."""
    seconds: float
    """Duration of the task, load check included."""
    shards: int
    tensors_copied: int
    tensors_computed: int
    """Number of scaled or cast tensors; tensors filled with a constant count as copied."""
    loadcheck: LoadCheck | None
    """None if not requested, or if an earlier run passed it but died before reporting."""
    sidecars: Sidecars
    config: ConfigEdit


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Options of one run that do not affect the output."""

    report: Report
    patience: float = 0
    """Seconds to wait for another process that holds the output's lock."""
    resumes: bool = False
    """True if an earlier run of this request may have published the output but died before reporting."""
    job: str = ""
    """UUID of the job of this attempt; "" for a merge without a job."""
    home: Path | None = None
    """Directory of the store, where header checks are cached; None for the default."""


def run(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Run the task. Request: {"plan": text of the plan, "out": absolute path}, and optionally

    "options" (fields of MergeOptions), "patches" (paths of patches; the last one wins), "downloads" (whether
    missing checkpoints are downloaded), "job" (UUID of the job), "home" (directory of the store), "patience"
    (seconds to wait for another process that merges into the same output) and "resumes" (whether an earlier attempt
    was started: an existing output that was merged from this plan and these weights is then success). Answer:
    `report_as_json`.
    Raises PlanError for a plan that cannot be run, and what `merge` raises.
    """
    text = request["plan"]
    options = MergeOptions(**request.get("options", {}))
    patches = open_patches(request.get("patches", ()))
    home = Path(request["home"]) if request.get("home") else None
    checks = header_checks(home)
    context = CheckContext(opened=checks.checked if options.load_check else checks.known, patches=patches)
    open_checkpoint = downloading_opener() if request.get("downloads") else opener()
    stack = check_plan(text, open_checkpoint, context).require_stack()
    attempt = _Attempt(report, request.get("patience", 0), request.get("resumes", False), request.get("job", ""), home)
    return report_as_json(_merged(stack, text, Path(request["out"]), options, attempt))


def merge(
    stack: Stack,
    plan_text: str,
    out: Path,
    options: MergeOptions = AS_USUAL,
    progress: Progress = lambda _done, _total: None,
    home: Path | None = None,
) -> MergeReport:
    """Write the checkpoint that `stack` describes to `out`, resuming an interrupted run.

    home: directory of the store, where header checks are cached; None for the default.

    Raises CheckpointError for a source that is missing, broken or changing, for a config that cannot describe the
    stack, and for a result that does not load; PlanError for a tensor that cannot be scaled; UsageError if `out`
    exists; MachineError for disk, permissions, or missing torch. After an error `out` is unchanged.
    """
    return _merged(
        stack, plan_text, out, options, _Attempt(lambda done, total, _what: progress(done, total), home=home)
    )


def report_as_json(report: MergeReport) -> dict[str, Any]:
    """Return the output of `dlec merge --json`."""
    return {
        "out": str(report.out),
        "bytes": report.nbytes,
        "seconds": round(report.seconds, 3),
        "shards": report.shards,
        "tensors_copied": report.tensors_copied,
        "tensors_computed": report.tensors_computed,
        "loadcheck": loadcheck.as_json(report.loadcheck),
    }


def _merged(stack: Stack, plan_text: str, out: Path, options: MergeOptions, attempt: _Attempt) -> MergeReport:
    began = time.monotonic()
    draft = drafted(stack, plan_text, out, options)
    partial = partial_of(out, attempt.job)
    refuse_sources_as_output(draft, partial)
    require_torch_to_compute(draft.operations)
    with writing(partial, draft.layout), locked(partial, attempt.patience):
        check = None if _is_done(draft, partial, attempt) else _written(draft, partial, attempt)
    return _described(draft, check, time.monotonic() - began)


def _is_done(draft: Draft, partial: Partial, attempt: _Attempt) -> bool:
    """Finish an interrupted publication; return True if an earlier run has published this checkpoint."""
    return recover(partial) == draft.request or (attempt.resumes and is_merged(draft))


def _written(draft: Draft, partial: Partial, attempt: _Attempt) -> LoadCheck | None:
    return write_checkpoint(draft, partial, attempt.report, header_checks(attempt.home))


def _described(draft: Draft, check: LoadCheck | None, seconds: float) -> MergeReport:
    tensors = list(draft.layout.tensors)
    computed = sum(not isinstance(tensor.operation, Copy | Fill) for tensor in tensors)
    return MergeReport(
        out=draft.out,
        nbytes=draft.layout.nbytes,
        seconds=seconds,
        shards=len(draft.layout.shards),
        tensors_copied=len(tensors) - computed,
        tensors_computed=computed,
        loadcheck=check,
        sidecars=draft.sidecars,
        config=draft.config,
    )


def merged_before(out: Path, plan_text: str, stack: Stack) -> VerifyReport | None:
    """Return the verified checkpoint at `out` if it is complete and was merged from this plan and these weights."""
    origin = read_origin(out)
    try:
        if origin is None or origin != origin_of(stack, plan_text):
            return None
        report = verify(out, load_check=False)
    except DlecError:
        return None
    return report if report.ok else None


def is_merged(draft: Draft) -> bool:
    """Return True if the checkpoint at the draft's output is complete and equals what the draft would write."""
    return merged_before(draft.out, draft.plan_text, draft.stack) is not None and _is_as_drafted(draft)


def _is_as_drafted(draft: Draft) -> bool:
    """Return True if it was written with the same options and sidecars."""
    sidecars = [str(name) for name in draft.sidecars.copied]
    try:
        check_written(draft.out, draft.layout, draft.stack.config_donor)
        _, *different = filecmp.cmpfiles(draft.sidecars.directory, draft.out, sidecars, shallow=False)
        written = {CONFIG_FILE: draft.config.text, **draft.sidecars.rewritten}
        is_same_text = all((draft.out / name).read_bytes() == text.encode() for name, text in written.items())
    except (DlecError, OSError):
        return False
    return is_same_text and not any(different) and (draft.out / SUMS_FILE).exists() == draft.options.hash_sums
