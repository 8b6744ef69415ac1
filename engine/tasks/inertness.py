"""Whether silenced copies of a checkpoint's layers are inert: looked up, or asked of a child process and kept.

Planning asks for what is known; whoever can wait a few seconds has it tried (engine.inference.inertness), once for each
config and version of transformers.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import CheckpointError, MachineError
from engine.files import write_whole
from engine.store.location import store_path

if TYPE_CHECKING:
    from engine.plan.recipes.registry import Recipe

MODULE = "engine.inference.inertness"
DIRECTORY = "inertness"
"""Beside the store: a small file for each config that was tried."""

_FORMAT = 1
"""Raised when what is tried changes."""

PROVEN = frozenset(
    {"llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma2", "gemma3_text", "phi3", "smollm3", "olmo2"}
)
"""Model types that need no trial: the tests hold that silenced copies of their layers are inert."""


def known_inertness(checkpoint: Checkpoint) -> str:
    """Why silenced copies are not inert; "" where they are, or where that was never tried."""
    if checkpoint.config.model_type in PROVEN:
        return ""
    found = _kept(checkpoint)
    return str(found["reason"]) if found else ""


def tried_inertness(checkpoint: Checkpoint) -> str:
    """The same, tried in a child process where it is not known (some 5 s, once for each config).

    "" also where it cannot be tried: without torch and transformers, or for a family that they do not know.
    """
    if checkpoint.config.model_type not in PROVEN and _kept(checkpoint) is None and _transformers_version():
        _keep(checkpoint, _tried(checkpoint))
    return known_inertness(checkpoint)


def written(recipe: "Recipe", checkpoint: Checkpoint, options: Any) -> str:
    """The plan's text of a recipe with its options.

    Raises UsageError for options that do not fit, CheckpointError for layers that cannot be scaled as the recipe scales
    them, and where it promises inert copies that would not be inert.
    """
    text = recipe.write(checkpoint, options)
    reason = tried_inertness(checkpoint) if recipe.promises_inertness(options) else ""
    if reason:
        raise CheckpointError(
            f"copies of layers of {checkpoint.reference} would not be inert",
            why=reason,
            fix="Write a plan whose copies are meant to act (repeat, double-each, attenuated), and train it.",
        )
    return text


def _tried(checkpoint: Checkpoint) -> dict[str, Any]:
    from engine.tasks.process import run_child  # late: most checks start no process

    try:
        return run_child(MODULE, {"directory": str(checkpoint.config.path.parent.absolute())})
    except MachineError as error:
        return {"reason": "", "unknown": error.line}


def _kept(checkpoint: Checkpoint) -> dict[str, Any] | None:
    try:
        found = json.loads(_file(checkpoint).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("reason"), str) else None


def _keep(checkpoint: Checkpoint, found: dict[str, Any]) -> None:
    """A home that cannot be written to costs another trial, and nothing else."""
    file = _file(checkpoint)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(found))
    except OSError:
        return


def _file(checkpoint: Checkpoint) -> Path:
    parts = (str(_FORMAT), _transformers_version(), checkpoint.config.text)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return store_path().parent / DIRECTORY / f"{digest}.json"


def _transformers_version() -> str:
    """ "" where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # late: it imports the email package

    try:
        return version("transformers")
    except PackageNotFoundError:
        return ""
