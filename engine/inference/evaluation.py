"""Evaluation of opened models with lm-eval, an optional dependency (extra `eval`) that is imported when needed."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import DlecError, MachineError, UsageError, shown
from engine.inference.library import one_line, translated
from engine.inference.tokenizer import Marks, marks_of

_TASK_NAME = re.compile(r"^task:\s*['\"]?([^\s'\"#]+)", re.MULTILINE)
_YAML = (".yaml", ".yml")
_BOOTSTRAPS = 100
"""Number of bootstrap samples for standard errors of metrics that are not means."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Value of one metric on one task."""

    task: str
    metric: str
    """Name of the metric in lm-eval, e.g. "acc,none"."""
    value: float
    se: float | None
    """Standard error over items, if lm-eval computes one."""
    per_item: tuple[float, ...]
    """Values per item, in the task's order; empty if the metric is not a mean over items."""


def require_lm_eval() -> None:
    """Raise MachineError if lm-eval is not installed."""
    if find_spec("lm_eval") is None:
        raise MachineError(
            "lm-eval is not installed",
            why="it is an optional dependency, because it installs about forty packages",
            fix="Install it: pip install 'dlec[eval]'",
        )


def evaluate(
    model: Any, tokenizer: Any, tasks: Sequence[str], *, batch_size: int, limit: int | None, shots: int | None
) -> tuple[Evaluation, ...]:
    """Evaluate an opened model. tasks: names of lm-eval tasks, and paths of task files (YAML).

    limit: maximum number of items per task. shots: number of examples before each item, None for the task's default.
    Raises MachineError if lm-eval is missing, UsageError for unknown tasks, or tasks whose data is not in the cache.
    """
    require_lm_eval()
    files = [Path(task) for task in tasks if task.endswith(_YAML)]
    names = [task for task in tasks if not task.endswith(_YAML)] + [task_of(file) for file in files]
    with translated(_explained), _offline():
        results = _simple_evaluate(model, tokenizer, names, files, batch_size, limit, shots)
    return tuple(evaluations(results))


def task_of(file: Path) -> str:
    """Return the name of the task that a file defines. Raises UsageError if it does not define one."""
    try:
        name = _TASK_NAME.search(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown(file)} cannot be read", why=str(error)) from error
    if name is None:
        raise UsageError(f"{shown(file)} defines no task", why='it has no line "task: NAME"')
    return name[1]


def evaluations(results: Mapping[str, Any]) -> Iterator[Evaluation]:
    """Yield the evaluations in lm-eval's results."""
    for task, figures in results["results"].items():
        for metric, value in figures.items():
            name, comma, rest = metric.partition(",")
            if not comma or name.endswith("_stderr") or not isinstance(value, int | float):
                continue
            se = figures.get(f"{name}_stderr,{rest}")
            per_item = tuple(_of_items(results.get("samples", {}).get(task, ()), name, rest))
            yield Evaluation(task, metric, float(value), float(se) if isinstance(se, int | float) else None, per_item)


def _simple_evaluate(
    model: Any,
    tokenizer: Any,
    names: Sequence[str],
    files: Sequence[Path],
    batch_size: int,
    limit: int | None,
    shots: int | None,
) -> Mapping[str, Any]:
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    known = TaskManager(
        include_path=sorted({str(file.resolve().parent) for file in files}) or None,
        include_defaults=len(files) < len(names),
    )
    marks = marks_of(tokenizer)
    results: Mapping[str, Any] = simple_evaluate(
        model=HFLM(
            pretrained=model,
            tokenizer=tokenizer,
            batch_size=batch_size,
            prefix_token_id=_beginning(tokenizer, marks),
            **_own_marks(marks),
        ),
        tasks=list(names),
        task_manager=known,
        limit=limit,
        num_fewshot=shots,
        bootstrap_iters=_BOOTSTRAPS,
        log_samples=True,
    )
    return results


def _own_marks(marks: Marks) -> dict[str, bool]:
    """Return the options that make lm-eval add the tokenizer's prefix, unless the tokenizer also adds a suffix.

    A suffix would separate question and answer.
    """
    return {"add_bos_token": True} if marks.prefix and not marks.suffix else {}


def _beginning(tokenizer: Any, marks: Marks) -> int | None:
    """Return the token before an empty context: the tokenizer's prefix, or None for lm-eval's default special token.

    Token 0 for a tokenizer without special tokens, for which lm-eval would fail.
    """
    if marks.prefix:
        return marks.prefix[-1]
    has_mark = tokenizer.bos_token_id is not None or tokenizer.eos_token_id is not None
    return None if has_mark else 0


def _of_items(samples: Sequence[Mapping[str, Any]], metric: str, rest: str) -> Iterator[float]:
    """Yield the metric of each item; nothing if an item has no value, as for corpus-wide metrics."""
    ordered = sorted(
        (sample for sample in samples if sample.get("filter", "none") == rest), key=lambda sample: sample["doc_id"]
    )
    values = [sample.get(metric) for sample in ordered]
    if all(isinstance(value, int | float) for value in values):
        yield from (float(value) for value in values if value is not None)


@contextmanager
def _offline() -> Iterator[None]:
    """Keep lm-eval from downloading data sets."""
    before = os.environ.get("HF_DATASETS_OFFLINE")
    os.environ["HF_DATASETS_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_DATASETS_OFFLINE"]
        else:
            os.environ["HF_DATASETS_OFFLINE"] = before


def _explained(error: Exception) -> DlecError:
    if isinstance(error, ImportError):
        why, fix = one_line(error), "Reinstall it: pip install --upgrade 'dlec[eval]'"
        return MachineError("the installed lm-eval cannot be used", why=why, fix=fix)
    return UsageError(
        "lm-eval cannot run these tasks",
        why=one_line(error),
        fix="List the known tasks: lm-eval ls tasks. Data that is not in the cache is not downloaded.",
    )
