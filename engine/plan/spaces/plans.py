"""plans: existing plan files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.plan.spaces import SweptPlan, require_plans


def plans(texts: Mapping[Path, str]) -> tuple[SweptPlan, ...]:
    """Return the plans of `texts`, file to content, named by file; files with equal names by path.

    Raises UsageError if there are no files.
    """
    names = _names(list(texts))
    swept = (SweptPlan(name, text) for name, text in zip(names, texts.values(), strict=True))
    return require_plans(swept, why="no file was named", fix="Name at least one plan.")


def _names(files: Sequence[Path]) -> list[str]:
    stems = Counter(file.stem for file in files)
    return [file.stem if stems[file.stem] == 1 else str(file) for file in files]
