"""Merges: turns a stack into a checkpoint that appears under its final name whole, checked, or not at all."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.checkpoint.checkpoint import require_local
from engine.checkpoint.config import CONFIG_FILE
from engine.checkpoint.index import INDEX_FILE
from engine.checkpoint.layer_keys import ConfigEdit
from engine.errors import CheckpointError, UsageError
from engine.files import sync_tree, write_synced
from engine.merge.card import CARD_FILE, PLAN_FILE, card_text
from engine.merge.copies import Compute, Operation, is_constant, operations_of
from engine.merge.journal import signature_of
from engine.merge.layout import MAX_SHARD_SIZE, Layout, lay_out
from engine.merge.lock import locked
from engine.merge.manifest import MANIFEST_FILE, Made, manifest_text
from engine.merge.partial import Partial, keep_only, partial_of
from engine.merge.publish import check_output, publish, recover
from engine.merge.sidecars import Sidecars, copy_sidecars, sidecars_of
from engine.merge.sources import SourceFile, check_unchanged, sources_of
from engine.merge.space import writing
from engine.merge.structure import check_written
from engine.merge.sums import SUMS_FILE, sums_text
from engine.merge.transfer import Transfer
from engine.merge.writer import Progress, write_shards
from engine.plan.outputs import output_config, output_tensors
from engine.plan.stack import Stack
from engine.tasks.loadcheck import LoadCheck, load_check
from engine.tensors.library import torch_library


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """How a checkpoint is written."""

    max_shard_size: int = MAX_SHARD_SIZE
    """Bytes of tensors in one file at most; a larger tensor gets a file of its own."""
    reflink: bool = True
    """Whether the new file may share disk extents with its source, where the file system can."""
    hash_sums: bool = False
    """Whether SHA256SUMS is written."""
    overwrite: bool = False
    """Whether a model directory at the output is replaced."""
    load_check: bool = True
    """Whether transformers opens the result before it gets its name."""


@dataclass(frozen=True, slots=True)
class MergeReport:
    """A finished merge."""

    out: Path
    nbytes: int
    """Of the shards."""
    seconds: float
    """Of the whole task, load check included."""
    shards: int
    tensors_copied: int
    tensors_computed: int
    """Scaled or cast; those filled with a constant are counted as copied."""
    loadcheck: LoadCheck | None
    """None when it was not asked for, or was passed by an earlier run that died before it could say so."""
    sidecars: Sidecars
    config: ConfigEdit


@dataclass(frozen=True)
class _Draft:
    """Everything that is known before the first byte is written."""

    stack: Stack
    plan_text: str
    out: Path
    layout: Layout
    operations: list[Operation]
    config: ConfigEdit
    sources: list[SourceFile]
    sidecars: Sidecars
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def signature(self) -> str:
        """Of the shards."""
        return signature_of(self.layout, self.operations, self.sources)

    @property
    def request(self) -> str:
        """Of the whole checkpoint."""
        parts = (self.signature, self.plan_text, self.config.text, str(self.sidecars))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def merge(
    stack: Stack,
    plan_text: str,
    out: Path,
    options: MergeOptions = MergeOptions(),
    progress: Progress = lambda _done, _total: None,
) -> MergeReport:
    """Write the checkpoint that `stack` describes to `out`, continuing what an earlier, interrupted run left.

    Raises CheckpointError for a source that is missing, broken or changing, for a config that cannot describe the
    stack, and for a result that does not load; PlanError for a tensor that cannot be scaled; UsageError when `out` is
    taken; MachineError for disk, permissions and a torch that is needed and missing. After each of them nothing is at
    `out` that was not there before.
    """
    began = time.monotonic()
    draft = _drafted(stack, plan_text, out, options)
    partial = partial_of(out)
    _refuse_sources_as_output(draft, partial)
    _require_torch_to_compute(draft.operations)
    with writing(partial, draft.layout), locked(partial):
        found = None
        if recover(partial) != draft.request:
            found = _written(draft, partial, options, progress)
    return _report(draft, found, time.monotonic() - began)


def _drafted(stack: Stack, plan_text: str, out: Path, options: MergeOptions) -> _Draft:
    for checkpoint in stack.checkpoints:
        require_local(checkpoint)
    tensors = output_tensors(stack)
    layout = lay_out(tensors, options.max_shard_size)
    donor = stack.config_donor
    weights = {tensor.file for tensor in donor.tensors.values()}
    return _Draft(
        stack=stack,
        plan_text=plan_text,
        out=out,
        layout=layout,
        operations=operations_of(layout),
        config=output_config(stack),
        sources=sources_of(tensors),
        sidecars=sidecars_of(donor.directory, weights),
    )


def _refuse_sources_as_output(draft: _Draft, partial: Partial) -> None:
    for path in _read_paths(draft):
        if path.resolve().is_relative_to(partial.out):
            raise UsageError(
                f"{partial.out} cannot be the output", why=f"{path} is read from there", fix="Choose another output."
            )


def _read_paths(draft: _Draft) -> Iterator[Path]:
    """Everything that the sources consist of; each file may be a link to another directory."""
    for checkpoint in draft.stack.checkpoints:
        yield checkpoint.directory
        yield checkpoint.config.path
        yield from sorted({tensor.file for tensor in checkpoint.tensors.values()})
    yield from (draft.sidecars.directory / name for name in draft.sidecars.copied)


def _require_torch_to_compute(operations: list[Operation]) -> None:
    """Raises MachineError while nothing is written yet. What is imported here is used by the writer."""
    if any(isinstance(operation, Compute) for operation in operations):
        torch_library()


def _written(draft: _Draft, partial: Partial, options: MergeOptions, progress: Progress) -> LoadCheck | None:
    check_output(partial.out, overwrite=options.overwrite)
    seconds = _timed(lambda: _write_weights(draft, partial, options, progress))
    _write_the_rest(draft, partial.model, seconds, options)
    check_written(partial.model, draft.layout)
    found = _load_checked(draft.stack, partial) if options.load_check else None
    publish(partial, draft.request, overwrite=options.overwrite)
    return found


def _write_weights(draft: _Draft, partial: Partial, options: MergeOptions, progress: Progress) -> None:
    transfer = Transfer(reflink=options.reflink)
    write_shards(partial, draft.layout, draft.operations, draft.signature, transfer, progress)
    check_unchanged(draft.sources)


def _write_the_rest(draft: _Draft, model: Path, seconds: float, options: MergeOptions) -> None:
    keep_only(model, {shard.name for shard in draft.layout.shards})
    copy_sidecars(draft.sidecars, model)
    for name, text in _texts(draft, seconds).items():
        write_synced(model / name, text)
    if options.hash_sums:
        write_synced(model / SUMS_FILE, os.fsencode(sums_text(model)))
    sync_tree(model)


def _texts(draft: _Draft, seconds: float) -> dict[str, str]:
    """The files that are written rather than copied."""
    edit, stack = draft.config, draft.stack
    made = Made(draft.plan_text, edit.changes, edit.notes, draft.sidecars, draft.started, seconds)
    texts = {
        CONFIG_FILE: edit.text,
        CARD_FILE: card_text(stack, draft.plan_text, draft.out.name),
        PLAN_FILE: draft.plan_text,
        MANIFEST_FILE: manifest_text(stack, made),
    }
    index = draft.layout.index
    return texts if index is None else texts | {INDEX_FILE: index}


def _load_checked(stack: Stack, partial: Partial) -> LoadCheck:
    """Raises CheckpointError when transformers does not take the result as it is."""
    found = load_check(partial.model, [(visit.checkpoint.directory, visit.layer) for visit in stack.visits])
    if not found.ok and not found.unavailable:
        raise CheckpointError(
            f"{partial.out} was not published: transformers does not load it as it should",
            why=found.why,
            fix=f"What was written lies in {partial.model}.",
        )
    return found


def _report(draft: _Draft, found: LoadCheck | None, seconds: float) -> MergeReport:
    tensors = list(draft.layout.tensors)
    computed = sum(not tensor.is_copy and not is_constant(tensor) for tensor in tensors)
    return MergeReport(
        out=draft.out,
        nbytes=draft.layout.nbytes,
        seconds=seconds,
        shards=len(draft.layout.shards),
        tensors_copied=len(tensors) - computed,
        tensors_computed=computed,
        loadcheck=found,
        sidecars=draft.sidecars,
        config=draft.config,
    )


def _timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
