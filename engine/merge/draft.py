"""Draft of a merge: everything that is determined before the first byte is written, and checks before the start."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.checkpoint.checkpoint import require_local
from engine.checkpoint.layer_keys import ConfigEdit
from engine.errors import UsageError
from engine.merge.journal import signature_of
from engine.merge.layout import MAX_SHARD_SIZE, Layout, lay_out
from engine.merge.partial import Partial
from engine.merge.planned_operations import AverageBytes, ByteOperation, ComputeBytes, byte_operations
from engine.merge.sidecars import Sidecars, sidecars_of
from engine.merge.transfer import SourceFile, sources_of
from engine.plan.companions import companions
from engine.plan.outputs import output_config, output_tensors
from engine.plan.stack import Stack
from engine.tensors.library import torch_library


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """Options of writing a checkpoint."""

    max_shard_size: int = MAX_SHARD_SIZE
    """Maximum number of tensor bytes per file; a larger tensor gets a separate file."""
    reflink: bool = True
    """Share disk extents with the source files if the file system supports it."""
    hash_sums: bool = False
    """Write SHA256SUMS."""
    overwrite: bool = False
    """Replace a model directory at the output."""
    load_check: bool = True
    """Open the result with transformers before it is published."""


AS_USUAL = MergeOptions()


@dataclass(frozen=True)
class Draft:
    """Layout, operations and files of a merge."""

    stack: Stack
    plan_text: str
    out: Path
    options: MergeOptions
    layout: Layout
    operations: list[ByteOperation]
    config: ConfigEdit
    sources: list[SourceFile]
    sidecars: Sidecars
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def signature(self) -> str:
        """Signature of the shards."""
        patches = [patch.fingerprint for patch in self.stack.patches]
        return signature_of(self.layout, self.operations, self.sources, patches)

    @property
    def request(self) -> str:
        """Signature of the whole checkpoint."""
        sums = "with sums" if self.options.hash_sums else ""
        parts = (self.signature, self.plan_text, self.config.text, str(self.sidecars), sums)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def drafted(stack: Stack, plan_text: str, out: Path, options: MergeOptions) -> Draft:
    """Return the draft. Raises CheckpointError, PlanError or MachineError if the stack cannot be merged."""
    for checkpoint in stack.checkpoints:
        require_local(checkpoint)
    tensors = output_tensors(stack)
    config = output_config(stack)
    donor = stack.config_donor
    layout = lay_out(tensors, options.max_shard_size, donor.format, config.text)
    weights = {tensor.file for tensor in donor.tensors.values()}
    return Draft(
        stack=stack,
        plan_text=plan_text,
        out=out,
        options=options,
        layout=layout,
        operations=byte_operations(layout),
        config=config,
        sources=sources_of(tensors),
        sidecars=sidecars_of(donor.directory, weights, companions(stack)),
    )


def refuse_sources_as_output(draft: Draft, partial: Partial) -> None:
    """Raise UsageError if a source file is inside the output directory."""
    for path in _read_paths(draft):
        if path.resolve().is_relative_to(partial.out):
            raise UsageError(
                f"{partial.out} cannot be the output", why=f"{path} is read from there", fix="Choose another output."
            )


def require_torch_to_compute(operations: list[ByteOperation]) -> None:
    """Import torch if the writer needs it, so that MachineError is raised before anything is written."""
    if any(isinstance(operation, ComputeBytes | AverageBytes) for operation in operations):
        torch_library()


def _read_paths(draft: Draft) -> Iterator[Path]:
    """Yield all directories and files of the sources; each file may be a link to another directory."""
    for checkpoint in draft.stack.checkpoints:
        yield checkpoint.directory
        yield checkpoint.config.path
        yield from sorted({tensor.file for tensor in checkpoint.tensors.values()})
    yield from (patch.path for patch in draft.stack.patches)
    yield from (draft.sidecars.directory / name for name in draft.sidecars.copied)
