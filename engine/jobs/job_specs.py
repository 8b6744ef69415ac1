"""Job specs: the request of a task, its title, the checkpoints that it reads, and the devices that it may run on.

A request is valid in another process, directory and environment: paths are absolute, and a plan comes with the
directory in which its relative references are resolved.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.attention import require_context
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.checkpoint.reference import directory_name
from engine.files import expanded
from engine.jobs.settings import JobSettings, wanted_slot
from engine.merge.draft import MergeOptions
from engine.plan.patches import Patch, as_request
from engine.plan.stack import Stack
from engine.store.jobs import JobSpec
from engine.tasks.specs import spec_of

WORKING_DIRECTORY = "working_directory"
"""Key of a request: the directory in which relative references of the plan are resolved."""


@dataclass(frozen=True)
class NamedPlan:
    """A plan that can be run, with its file name and directory."""

    name: str
    """Name of its file."""
    text: str
    stack: Stack
    directory: Path
    """Working directory of the user, absolute."""

    @property
    def title(self) -> str:
        """Its name, and the names of its patches: "plan.yaml + gains.safetensors"."""
        return " + ".join([self.name, *(patch.path.name for patch in self.stack.patches)])


def checkpoint_spec(task: str, checkpoint: Checkpoint, request: Mapping[str, Any], settings: JobSettings) -> JobSpec:
    """Return the job spec of a task that measures a checkpoint.

    Raises UsageError for an invalid device or sequences longer than the model's context, and MachineError if the
    weights cannot be read.
    """
    return _measuring(task, _name_of(checkpoint), request, [checkpoint], settings)


def plan_spec(task: str, plan: NamedPlan, request: Mapping[str, Any], settings: JobSettings) -> JobSpec:
    """Return the job spec of a task that runs a plan. Raises as `checkpoint_spec` does."""
    stack = plan.stack
    return _measuring(task, plan.title, _in_place(plan, request), stack.checkpoints, settings, stack.patches)


def merge_spec(
    plan: NamedPlan,
    out: Path,
    options: MergeOptions,
    *,
    downloads: bool = False,
    fingerprint_of: Callable[[Checkpoint], str] = fingerprint,
) -> JobSpec:
    """Return the job spec of a merge. out: as the user wrote it. Checkpoints to be downloaded are not inputs."""
    request = {
        "plan": plan.text,
        "out": str(plan.directory / out),
        "options": asdict(options),
        "downloads": downloads,
    }
    local = [checkpoint for checkpoint in plan.stack.checkpoints if checkpoint.is_local]
    title = spec_of("merge").titled(plan.title, {"out": out})
    return JobSpec("merge", _in_place(plan, request), title, _inputs(local, fingerprint_of, plan.stack.patches))


def verify_spec(directory: Path, *, load_check: bool) -> JobSpec:
    """Return the job spec of a verification. The directory is not an input: it may change before the job runs."""
    request = {"directory": str(directory.absolute()), "load_check": load_check}
    return JobSpec("verify", request, spec_of("verify").titled(str(directory), request), {})


def diff_spec(request: Mapping[str, Any]) -> JobSpec:
    """Return the job spec of a comparison. Its sides are not inputs: they may change before the job runs."""
    placed = {**request, **{name: _absolute(request[name]) for name in ("a", "b")}}
    return JobSpec("diff", placed, spec_of("diff").titled("", {**request, **_short(request, "a", "b")}), {})


def origin_spec(request: Mapping[str, Any]) -> JobSpec:
    """Return the job spec of a search for the origin of a stack."""
    placed = {"model": _absolute(request["model"]), "bases": [_absolute(base) for base in request["bases"]]}
    return JobSpec("origin", placed, spec_of("origin").titled(directory_name(request["model"]), {}), {})


def _absolute(reference: str) -> str:
    """Return a path as absolute, and a hub id as it is."""
    path = expanded(reference)
    return str(path.absolute()) if path.exists() else reference


def _short(request: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: directory_name(request[name]) for name in names}


def download_spec(reference: str) -> JobSpec:
    request = {"reference": reference}
    return JobSpec("download", request, spec_of("download").titled(reference, request), {})


def _measuring(
    task: str,
    subject: str,
    request: Mapping[str, Any],
    checkpoints: Iterable[Checkpoint],
    settings: JobSettings,
    patches: Iterable[Patch] = (),
) -> JobSpec:
    checkpoints = list(checkpoints)
    if "seq_len" in request:  # refused now instead of after waiting in the queue
        for checkpoint in checkpoints:
            require_context(checkpoint, request["seq_len"])
    slot = wanted_slot(request["device"], settings)
    title = spec_of(task).titled(subject, request)
    return JobSpec(task, request, title, _inputs(checkpoints, fingerprint, patches), slot)


def _in_place(plan: NamedPlan, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**request, **as_request(plan.stack.patches), WORKING_DIRECTORY: str(plan.directory)}


def _inputs(
    checkpoints: Iterable[Checkpoint],
    fingerprint_of: Callable[[Checkpoint], str],
    patches: Iterable[Patch] = (),
) -> Mapping[str, str]:
    """Directory or patch file to fingerprint."""
    directories = {str(checkpoint.directory.absolute()): fingerprint_of(checkpoint) for checkpoint in checkpoints}
    return directories | {str(patch.path): patch.fingerprint for patch in patches}


def _name_of(checkpoint: Checkpoint) -> str:
    """Hub id, or last part of the path."""
    is_path = expanded(checkpoint.reference).is_dir()
    return directory_name(str(checkpoint.directory.absolute())) if is_path else checkpoint.reference
