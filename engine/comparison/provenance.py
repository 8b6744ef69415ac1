"""The plan that a checkpoint was made of, as files in its directory record it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.find import locate
from engine.checkpoint.fingerprint import fingerprint
from engine.checkpoint.reference import directory_name
from engine.errors import DlecError, MachineError, UsageError, shown
from engine.merge.card import PLAN_FILE
from engine.merge.manifest import read_sources
from engine.plan.check import check_plan
from engine.plan.layer_formats import MERGEKIT
from engine.plan.layer_formats import write as write_layers
from engine.plan.plan_file import plan_text_of
from engine.plan.stack import Stack
from engine.plan.syntax import parse

RYS_MANIFEST = "rys_export_manifest.json"
"""Written by RYS's exporter: the base, and the layers of the base from bottom to top."""
_RYS_LAYERS = ("layer_indices", "layers", "layer_list")
_RYS_SOURCES = ("source_repo_id", "source_dir", "source")


@dataclass(frozen=True, slots=True)
class Provenance:
    """A plan on record."""

    text: str
    """The plan, in YAML."""
    file: str
    """Name of the file that records it."""
    sources: Mapping[str, str]
    """Fingerprints of the checkpoints at the time of the merge, by reference; empty if they were not recorded."""


def provenance_of(directory: Path) -> Provenance | None:
    """Return the plan that the checkpoint in `directory` was made of; None if no file records it."""
    try:
        if (directory / PLAN_FILE).is_file():
            return Provenance(plan_text_of(directory / PLAN_FILE), PLAN_FILE, read_sources(directory))
        if (directory / RYS_MANIFEST).is_file():
            text = _plan_of_rys(json.loads((directory / RYS_MANIFEST).read_bytes()))
            return Provenance(text, RYS_MANIFEST, {}) if text else None
    except (DlecError, OSError, ValueError):
        return None
    return None


def _plan_of_rys(manifest: Any) -> str:
    """Return the plan of RYS's manifest; "" if it has no list of layers."""
    if not isinstance(manifest, dict):
        return ""
    layers = next((manifest[key] for key in _RYS_LAYERS if _is_layers(manifest.get(key))), None)
    source = next((str(manifest[key]) for key in _RYS_SOURCES if manifest.get(key)), "base")
    return write_layers(tuple(layers), MERGEKIT, None, source, RYS_MANIFEST) + "\n" if layers else ""


def _is_layers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) is int and each >= 0 for each in value)


def names(provenance: Provenance, base: Checkpoint) -> bool:
    """Return True if a plan on record names `base`: by fingerprint, by directory, or else by name."""
    return any(_is(model, base, provenance.sources) for model in _models(provenance))


def stack_on(provenance: Provenance, base: Checkpoint, open_checkpoint: Callable[[str], Checkpoint]) -> Stack:
    """Compile a plan on record with `base` instead of the checkpoint that it means.

    Raises PlanError for a plan that dlec cannot run, UsageError if none of its checkpoints is `base`.
    """
    models = _models(provenance)
    own = models if len(models) == 1 else tuple(model for model in models if _is(model, base, provenance.sources))
    if models and not own:
        raise UsageError(
            f"{shown(provenance.file)} does not name {shown(base.reference)}",
            why=f"the plan stacks {', '.join(map(shown, models))}",
            fix="Give one of these as A, or choose --pair position.",
        )
    checked = check_plan(provenance.text, lambda reference: base if reference in own else open_checkpoint(reference))
    return checked.require_stack(provenance.file)


def _models(provenance: Provenance) -> tuple[str, ...]:
    plan = parse(provenance.text).plan
    return plan.models if plan else ()


def is_changed(provenance: Provenance, base: Checkpoint) -> bool:
    """Return True if the merge recorded fingerprints, and none of them is that of `base`."""
    return bool(provenance.sources) and fingerprint(base) not in provenance.sources.values()


def changed_sources(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the sources of a merged checkpoint that are on this machine with other fingerprints than at its merge."""
    return tuple(
        reference
        for reference, recorded in read_sources(checkpoint.directory).items()
        if (source := _source_here(reference)) and fingerprint(source) != recorded
    )


def _source_here(reference: str) -> Checkpoint | None:
    try:
        directory = locate(reference)
        return None if directory is None else open_checkpoint(directory)
    except DlecError:
        return None


def _is(reference: str, base: Checkpoint, sources: Mapping[str, str]) -> bool:
    """Return True if a reference of the plan means `base`: by fingerprint, by directory, or else by name."""
    try:
        if sources.get(reference) == fingerprint(base):
            return True
        directory = locate(reference)
    except (DlecError, MachineError):
        directory = None
    if directory is not None:
        return directory.resolve() == base.directory.resolve()
    return directory_name(reference) == directory_name(base.reference)
