"""Patches: safetensors files whose tensors, named as in the new model, replace what the plan gives.

What only a model can compute (trained weights, fitted gains, merged adapters) is computed beforehand and kept as a
patch, so a merge copies bytes whatever is built.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.checkpoint.formats.format import StoredTensor
from engine.checkpoint.formats.safetensors_header import read_header
from engine.errors import CheckpointError, UsageError, machine_error


class Patch(NamedTuple):
    """One opened patch."""

    path: Path
    """Absolute."""
    fingerprint: str
    """SHA-256 of the whole file, 64 hexadecimal digits."""
    tensors: tuple[StoredTensor, ...]


def open_patch(path: Path) -> Patch:
    """Read the header and the fingerprint of a patch.

    Raises UsageError for a file without tensors, CheckpointError for one that is missing or not safetensors,
    MachineError for one that cannot be read.
    """
    absolute = path.absolute()
    tensors = read_header(absolute).tensors
    if not tensors:
        raise UsageError(f"{path} is not a patch", why="it has no tensors")
    return Patch(absolute, patch_fingerprint(absolute), tensors)


def patch_fingerprint(path: Path) -> str:
    """SHA-256 of a patch file. Raises CheckpointError if it is missing, MachineError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing", why="it is a patch", fix="Restore the file.") from error
    except OSError as error:
        raise machine_error(f"{path} cannot be read", error) from error


def open_patches(paths: Iterable[str | Path]) -> tuple[Patch, ...]:
    """Open patches in the order in which they apply. Raises like `open_patch`."""
    return tuple(open_patch(Path(path)) for path in paths)


def applied(patches: Sequence[Patch]) -> dict[str, StoredTensor]:
    """The tensor that applies for each name: a later patch replaces an earlier one."""
    return {tensor.name: tensor for patch in patches for tensor in patch.tensors}


def as_request(patches: Sequence[Patch]) -> dict[str, list[str]]:
    """The entry of a task's request for the patches of its plan; empty without patches."""
    return {"patches": [str(patch.path) for patch in patches]} if patches else {}


def with_patches_noted(plan_text: str, patches: Sequence[Patch]) -> str:
    """The text of a plan with a comment for each patch, under which measurements of the patched plan are stored.

    Without patches it is the plan's own text.
    """
    notes = [f"# dlec patch: {patch.path.name} {patch.fingerprint}" for patch in patches]
    return "\n".join([plan_text.rstrip("\n"), *notes, ""]) if notes else plan_text
