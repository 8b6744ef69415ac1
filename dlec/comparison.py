"""Comparisons of checkpoints: `diff` and `origin`."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from dlec.results import ChangedTensor, Diff, LayerOrigin, Origin

Reference: TypeAlias = str | os.PathLike[str]
"""Directory or hub id of a checkpoint, or path of a plan."""
Progress: TypeAlias = Callable[[int, int, str], None]


def diff(
    a: Reference,
    b: Reference,
    *,
    pair: Literal["position", "plan", "copies"] | None = None,
    plan: str | os.PathLike[str] | None = None,
    spectrum: bool = False,
    home: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Diff:
    """Compare the weights of `b` with those of `a`, tensor by tensor (docs/comparing.md).

    pair: pairing of the layers (default: the one that fits). plan: plan that `b` was made of, if its directory does not
    record it. spectrum: also compute ranks. home: directory of the dlec store. Raises CheckpointError, PlanError,
    UsageError or MachineError.
    """
    from engine.tasks import diff as task

    request = {
        "a": os.fspath(a),
        "b": os.fspath(b),
        "pair": pair,
        "plan": None if plan is None else str(Path(plan).absolute()),
        "spectrum": spectrum,
        "home": None if home is None else os.fspath(home),
    }
    answer = task.run(request, progress or _ignored)
    tensors = tuple(ChangedTensor(**tensor) for tensor in answer["pairs"])
    unpaired = tuple(f"{each['name']}: {each['reason']}" for each in answer["unpaired"])
    return Diff(answer["a"], answer["b"], answer["pair"], answer["layers"], tensors, unpaired, tuple(answer["notes"]))


def origin(model: Reference, bases: Sequence[Reference], *, progress: Progress | None = None) -> Origin:
    """Find the layers of `bases` that `model` was stacked from, by its weights (docs/comparing.md).

    Raises CheckpointError, UsageError or MachineError.
    """
    from engine.tasks import origin as task

    answer = task.run({"model": os.fspath(model), "bases": [os.fspath(base) for base in bases]}, progress or _ignored)
    layers = tuple(LayerOrigin(**{**layer, "changed": tuple(layer["changed"])}) for layer in answer["layers"])
    changed, unexplained = (tuple(answer[name]) for name in ("changed", "unexplained"))
    return Origin(answer["model"], answer["plan"], answer["exact"], layers, changed, unexplained)


def _ignored(_done: int, _total: int, _what: str) -> None:
    """Ignore progress."""
