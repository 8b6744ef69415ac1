"""The manifest: sources, layers and settings of a new checkpoint. The only file that has measurements and times."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.fingerprint import fingerprint
from engine.merge.draft import Draft
from engine.plan.outputs import layer_scalings
from engine.plan.patches import Patch
from engine.plan.stack import Stack, Visit

MANIFEST_FILE = "dlec_manifest.json"
FORMAT = 1
"""Raised when a reader of older manifests would misunderstand a new one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Identity of a merge: equal if plan, sources and patches are."""

    plan_sha256: str
    fingerprints: tuple[str, ...]
    """Fingerprints of the stack's checkpoints, in its order."""
    patches: tuple[str, ...] = ()
    """Fingerprints of its patches, in the order in which they apply."""


def origin_of(stack: Stack, plan_text: str) -> Origin:
    """Raises MachineError when a source cannot be read any more."""
    digest = hashlib.sha256(plan_text.encode()).hexdigest()
    fingerprints = tuple(fingerprint(checkpoint) for checkpoint in stack.checkpoints)
    return Origin(digest, fingerprints, tuple(patch.fingerprint for patch in stack.patches))


def read_origin(directory: Path) -> Origin | None:
    """The origin in the manifest of `directory`; None without a readable manifest."""
    try:
        manifest = json.loads((directory / MANIFEST_FILE).read_bytes())
        fingerprints = tuple(checkpoint["fingerprint"] for checkpoint in manifest["checkpoints"])
        patches = tuple(patch["sha256"] for patch in manifest.get("patches", []))
        return Origin(manifest["plan_sha256"], fingerprints, patches)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_sources(directory: Path) -> dict[str, str]:
    """Reference and fingerprint of each source in the manifest of `directory`; empty without a readable manifest."""
    try:
        manifest = json.loads((directory / MANIFEST_FILE).read_bytes())
        return {str(source["reference"]): str(source["fingerprint"]) for source in manifest["checkpoints"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_inherited(directory: Path) -> frozenset[str]:
    """Defects that the manifest of `directory` attributes to the sources; empty without a readable manifest."""
    try:
        manifest = json.loads((directory / MANIFEST_FILE).read_bytes())
        return frozenset(map(str, manifest["opens_like_its_sources"]))
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def manifest_text(draft: Draft, seconds: float, inherited: tuple[str, ...]) -> str:
    """The dlec_manifest.json of a new checkpoint. Raises MachineError when a source cannot be read any more.

    seconds: time spent on the weights, in the run that finished them. inherited: what transformers reports about the
    sources as well, kind and tensor, as LoadCheck.inherited.
    """
    stack = draft.stack
    checkpoints = list(stack.checkpoints)
    origin = origin_of(stack, draft.plan_text)
    document = {
        "format": FORMAT,
        "dlec": _version(),
        "started": draft.started.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "plan_sha256": origin.plan_sha256,
        "checkpoints": [
            {"reference": checkpoint.reference, "fingerprint": digest}
            for checkpoint, digest in zip(checkpoints, origin.fingerprints, strict=True)
        ],
        "patches": [_patch(patch) for patch in stack.patches],
        "config_donor": checkpoints.index(stack.config_donor),
        "embedding_donor": checkpoints.index(stack.embedding.checkpoint),
        "head_donor": checkpoints.index(stack.head.checkpoint),
        "layers": [_layer(checkpoints, visit) for visit in stack.visits],
        "config_changes": {".".join(path): value for path, value in draft.config.changes.items()},
        "config_notes": list(draft.config.notes),
        "sidecars": [name.as_posix() for name in draft.sidecars.copied],
        "rewritten": list(draft.sidecars.rewritten),
        "left_out": draft.sidecars.left_out,
        "opens_like_its_sources": list(inherited),
    }
    return json.dumps(document, indent=2) + "\n"


def _patch(patch: Patch) -> dict[str, Any]:
    return {"file": patch.path.name, "sha256": patch.fingerprint, "tensors": [tensor.name for tensor in patch.tensors]}


def _layer(checkpoints: list[Checkpoint], visit: Visit) -> dict[str, Any]:
    """One new layer: index into `checkpoints`, source layer, which repeat; factors of the tensors that were scaled."""
    index = checkpoints.index(visit.checkpoint)
    entry: dict[str, Any] = {"checkpoint": index, "layer": visit.layer, "repeat": visit.repeat}
    if len(visit.parts) > 1:
        entry["parts"] = [
            {
                "checkpoint": checkpoints.index(part.checkpoint),
                "layer": part.layer,
                "roles": sorted(role.value for role in part.roles),
                "tensors": list(part.suffixes),
            }
            for part in visit.parts
        ]
    if scalings := layer_scalings(visit):
        entry["scaled"] = {suffix: scaling.factor for suffix, scaling in scalings.items()}
    return entry


def _version() -> str:
    try:
        return version("dlec")
    except PackageNotFoundError:
        return "unknown"
