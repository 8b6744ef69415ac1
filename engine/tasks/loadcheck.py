"""Whether transformers loads a checkpoint, and every layer is the kind of layer it was: asked of a child process."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import MachineError, shown
from engine.tasks.child import run_child

MODULE = "engine.inference.loadcheck"
_MOST_NAMED = 3


@dataclass(frozen=True)
class LoadCheck:
    """What transformers says of a checkpoint."""

    missing: tuple[str, ...] = ()
    """Parameters of the model that the checkpoint lacks: they would be random."""
    unexpected: tuple[str, ...] = ()
    """Tensors of the checkpoint that the model does not use."""
    mismatched: tuple[str, ...] = ()
    """Tensors of another shape, with both shapes."""
    differences: tuple[str, ...] = ()
    """In words: layers that are no longer of the kind they were, or why the model cannot be built."""
    architecture: str = ""
    """The class that transformers opens it as."""
    parameters: int = 0
    """As transformers counts them: tied ones once."""
    seconds: float = 0.0
    peak_bytes: int = 0
    """Largest resident memory of the child."""
    unavailable: str = ""
    """Why the check could not be made: no torch, no memory, or a family that transformers does not know."""

    @property
    def ok(self) -> bool:
        """Loads, and nothing is wrong. False where the check could not be made."""
        wrong = self.missing or self.unexpected or self.mismatched or self.differences
        return not wrong and not self.unavailable

    @property
    def why(self) -> str:
        """What is wrong, in one line; "" when nothing is."""
        named = {"missing": self.missing, "unexpected": self.unexpected, "of another shape": self.mismatched}
        found = [f"{len(names)} tensors {what} ({_some(names)})" for what, names in named.items() if names]
        return "; ".join([*found, *self.differences[:_MOST_NAMED], *filter(None, [self.unavailable])])


def as_json(found: LoadCheck | None) -> dict[str, Any] | None:
    """A check as `--json` prints it; None when none was made."""
    if found is None:
        return None
    return {
        "ok": found.ok,
        "architecture": found.architecture,
        "missing": list(found.missing),
        "unexpected": list(found.unexpected),
        "mismatched": list(found.mismatched),
        "differences": list(found.differences),
        "unavailable": found.unavailable,
        "seconds": round(found.seconds, 3),
        "peak_bytes": found.peak_bytes,
    }


def _some(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(map(shown, names[:_MOST_NAMED])) + more


def load_check(directory: Path, visits: Sequence[tuple[Path, int]] | None = None) -> LoadCheck:
    """Check `directory`; with `visits`, also each layer against (source directory, layer) that it was copied from.

    A child process that fails or is killed says nothing of the checkpoint: the check is unavailable then.
    """
    listed = None if visits is None else [[str(source.absolute()), layer] for source, layer in visits]
    try:
        found = run_child(MODULE, {"directory": str(directory.absolute()), "visits": listed})
    except MachineError as error:
        return LoadCheck(unavailable=error.line)
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
    return LoadCheck(**fields)
