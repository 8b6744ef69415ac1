"""Job specs for the edited plan: the same as those of `dlec preview`, `generate` and `merge` with --queue."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import DiskFullError, UsageError, shown
from engine.jobs.batch import DiskUse, PlannedMerge, Target, conflicts, disk_use, output_name, unfinished_merges
from engine.jobs.job_specs import NamedPlan, merge_spec, plan_spec
from engine.jobs.settings import job_settings
from engine.merge.draft import MergeOptions, drafted
from engine.plan.check import check_plan
from engine.store.jobs import JobSpec
from engine.tasks.measurement_options import MeasurementOptions, as_request
from engine.text.corpus import Split
from engine.units import byte_size

GENERATED_TOKENS = 64
UNSAVED = "unsaved plan"


@dataclass(frozen=True, slots=True)
class EditedPlan:
    """The plan on the screen."""

    text: str
    path: Path | None
    """None before it was saved."""
    justification: str
    merged_into: Path | None = None
    """The directory that the last merge went into; None before one was chosen."""

    @property
    def name(self) -> str:
        return self.path.name if self.path else UNSAVED

    @property
    def output_name(self) -> str:
        """Name of the output directory."""
        return output_name(self.path) if self.path else "merged"

    @property
    def outputs(self) -> Path:
        """Default directory for outputs: that of the last merge, else that of the plan."""
        return self.merged_into or (self.path.parent if self.path else Path.cwd())

    def named(self, open_checkpoint: Callable[[str], Checkpoint]) -> NamedPlan:
        """Raises PlanError when it cannot be run."""
        checked = check_plan(self.text, open_checkpoint)
        return NamedPlan(self.name, self.text, checked.require_stack(self.name), Path.cwd())


def preview_of(plan: EditedPlan, open_checkpoint: Callable[[str], Checkpoint], store: Path) -> JobSpec:
    """Measured on the held-out set. Reads windows of the weights; raises DlecError for what cannot be run."""
    measurement = as_request(MeasurementOptions(split=Split.HELDOUT, home=str(store.parent.absolute())))
    request = {**measurement, "plan": plan.text, "justification": plan.justification}
    return plan_spec("preview", plan.named(open_checkpoint), request, job_settings(store))


def generate_of(plan: EditedPlan, prompt: str, open_checkpoint: Callable[[str], Checkpoint], store: Path) -> JobSpec:
    """Raises as `preview_of` does."""
    measurement = {"device": MeasurementOptions().device, "dtype": MeasurementOptions().dtype}
    request = {"plan": plan.text, "prompt": prompt, "max_new_tokens": GENERATED_TOKENS, **measurement}
    return plan_spec("generate", plan.named(open_checkpoint), request, job_settings(store))


def merge_of(plan: EditedPlan, out: Path, open_checkpoint: Callable[[str], Checkpoint]) -> JobSpec:
    """Raises as `preview_of` does."""
    return merge_spec(plan.named(open_checkpoint), out, MergeOptions())


@dataclass(frozen=True, slots=True)
class MergeSize:
    """Sizes in bytes."""

    written: int
    """The weights as a whole."""
    missing: int
    """Required space without what an earlier run has written."""
    free: int


def check_merge(plan: EditedPlan, out: Path, open_checkpoint: Callable[[str], Checkpoint], store: Path) -> MergeSize:
    """Raises DlecError for what would forbid it when its turn comes: an output that exists, a disk that is too full."""
    named, target = plan.named(open_checkpoint), Target(Path(plan.name), out)
    merge = PlannedMerge(target, named, drafted(named.stack, plan.text, out, MergeOptions()))
    unfinished = unfinished_merges(store) if store.exists() else []
    for problem in conflicts([target], unfinished):
        raise UsageError(problem.what, why=problem.why, fix="Choose another directory.")
    use = disk_use(out.parent, [merge], unfinished, open_checkpoint)
    _require_room(use)
    return MergeSize(merge.draft.layout.nbytes, use.batch, use.free)


def _require_room(use: DiskUse) -> None:
    if use.batch + use.queued > use.free:
        queued = f", {byte_size(use.queued)} more for queued merges" if use.queued else ""
        raise DiskFullError(
            f"not enough disk space for {shown(use.directory)}",
            why=f"{byte_size(use.batch)} needed{queued}, {byte_size(use.free)} free",
            fix="Free some space, or choose a directory on another disk.",
        )
