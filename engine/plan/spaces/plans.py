"""plans: whatever plans there are, by the names of their files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.plan.spaces.swept import SweptPlan, require_plans


def plans(texts: Mapping[Path, str]) -> tuple[SweptPlan, ...]:
    """texts: each file and what is in it. A plan is called as its file; where several are, with its directory.

    Raises UsageError when there are none.
    """
    names = _names(list(texts))
    found = (SweptPlan(name, text) for name, text in zip(names, texts.values(), strict=True))
    return require_plans(found, why="no file was named", fix="Name one plan or more.")


def _names(files: Sequence[Path]) -> list[str]:
    stems = Counter(file.stem for file in files)
    return [file.stem if stems[file.stem] == 1 else str(file) for file in files]
