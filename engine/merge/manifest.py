"""The manifest: what a new checkpoint was made from and how. Measurements and times live here and nowhere else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine.checkpoint.fingerprint import fingerprint
from engine.checkpoint.json_splice import KeyPath
from engine.merge.sidecars import Sidecars
from engine.plan.outputs import layer_scalings
from engine.plan.stack import Stack, Visit

MANIFEST_FILE = "dlec_manifest.json"
FORMAT = 1
"""Raised when a reader of older manifests would misunderstand a new one."""


@dataclass(frozen=True)
class Made:
    """How a checkpoint was made, apart from its stack."""

    plan_text: str
    config_changes: Mapping[KeyPath, Any]
    config_notes: tuple[str, ...]
    sidecars: Sidecars
    started: datetime
    seconds: float
    """Spent on the weights, in the run that finished them."""


def manifest_text(stack: Stack, made: Made) -> str:
    """The dlec_manifest.json of a new checkpoint. Raises MachineError when a source cannot be read any more."""
    checkpoints = list(stack.checkpoints)
    document = {
        "format": FORMAT,
        "dlec": _version(),
        "started": made.started.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round(made.seconds, 3),
        "plan_sha256": hashlib.sha256(made.plan_text.encode()).hexdigest(),
        "checkpoints": [
            {"reference": checkpoint.reference, "fingerprint": fingerprint(checkpoint)} for checkpoint in checkpoints
        ],
        "config_donor": checkpoints.index(stack.config_donor),
        "embedding_donor": checkpoints.index(stack.embedding.checkpoint),
        "head_donor": checkpoints.index(stack.head.checkpoint),
        "layers": [_layer(checkpoints.index(visit.checkpoint), visit) for visit in stack.visits],
        "config_changes": {".".join(path): value for path, value in made.config_changes.items()},
        "config_notes": list(made.config_notes),
        "sidecars": [name.as_posix() for name in made.sidecars.copied],
        "left_out": made.sidecars.left_out,
    }
    return json.dumps(document, indent=2) + "\n"


def _layer(checkpoint: int, visit: Visit) -> dict[str, Any]:
    """One new layer: index into `checkpoints`, source layer, which repeat; factors of the tensors that were scaled."""
    entry: dict[str, Any] = {"checkpoint": checkpoint, "layer": visit.layer, "repeat": visit.repeat}
    if scalings := layer_scalings(visit):
        entry["scaled"] = {suffix: scaling.factor for suffix, scaling in scalings.items()}
    return entry


def _version() -> str:
    try:
        return version("dlec")
    except PackageNotFoundError:
        return "unknown"
