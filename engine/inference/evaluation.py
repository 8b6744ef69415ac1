"""Evaluates open models with lm-eval's tasks, as a library. It is the extra `eval`, imported when it is needed."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import DlecError, MachineError, UsageError, shown
from engine.inference.failures import one_line, translated
from engine.inference.marks import Marks, marks_of

_TASK_NAME = re.compile(r"^task:\s*['\"]?([^\s'\"#]+)", re.MULTILINE)
_YAML = (".yaml", ".yml")
_BOOTSTRAPS = 100
"""For standard errors of metrics that are no means; of means lm-eval computes them."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One figure of one task."""

    task: str
    metric: str
    """As lm-eval names it, e.g. "acc,none"."""
    value: float
    se: float | None
    """Its standard error over items, where lm-eval gives one."""
    per_item: tuple[float, ...]
    """The same for each item, in the task's order; empty where the metric is not a mean over items."""


def require_lm_eval() -> None:
    """Raises MachineError where it is not installed."""
    if find_spec("lm_eval") is None:
        raise MachineError(
            "lm-eval is not installed",
            why="it is an extra, because it brings forty libraries along",
            fix="Install it: pip install 'dlec[eval]'",
        )


def evaluate(
    model: Any, tokenizer: Any, tasks: Sequence[str], *, batch_size: int, limit: int | None, shots: int | None
) -> tuple[Evaluation, ...]:
    """Of an open model. tasks: names that lm-eval knows, and paths of task files (YAML).

    limit: items of each task, at most; shots: examples before each item, None for what the task says. Raises
    MachineError where lm-eval is missing, UsageError for tasks that there are not, or whose data is not here.
    """
    require_lm_eval()
    files = [Path(task) for task in tasks if task.endswith(_YAML)]
    names = [task for task in tasks if not task.endswith(_YAML)] + [task_of(file) for file in files]
    with translated(_explained), _offline():
        found = _simple_evaluate(model, tokenizer, names, files, batch_size, limit, shots)
    return tuple(evaluations(found))


def task_of(file: Path) -> str:
    """The name of the task that a file defines. Raises UsageError for a file that defines none."""
    try:
        name = _TASK_NAME.search(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown(file)} cannot be read", why=str(error)) from error
    if name is None:
        raise UsageError(f"{shown(file)} defines no task", why='it has no line "task: NAME"')
    return name[1]


def evaluations(found: Mapping[str, Any]) -> Iterator[Evaluation]:
    """What lm-eval answered, figure by figure."""
    for task, figures in found["results"].items():
        for metric, value in figures.items():
            name, comma, rest = metric.partition(",")
            if not comma or name.endswith("_stderr") or not isinstance(value, int | float):
                continue
            se = figures.get(f"{name}_stderr,{rest}")
            per_item = tuple(_of_items(found.get("samples", {}).get(task, ()), name, rest))
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
    answered: Mapping[str, Any] = simple_evaluate(
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
    return answered


def _own_marks(marks: Marks) -> dict[str, bool]:
    """lm-eval leaves a tokenizer's marks out unless it is told. One that ends a text would put its end between question
    and answer."""
    return {"add_bos_token": True} if marks.prefix and not marks.suffix else {}


def _beginning(tokenizer: Any, marks: Marks) -> int | None:
    """The token before a text that has nothing before it: the tokenizer's own prefix, else what lm-eval takes, which
    is a special token. A tokenizer without any is no error here: its first token is used."""
    if marks.prefix:
        return marks.prefix[-1]
    has_mark = tokenizer.bos_token_id is not None or tokenizer.eos_token_id is not None
    return None if has_mark else 0


def _of_items(samples: Sequence[Mapping[str, Any]], metric: str, rest: str) -> Iterator[float]:
    """The metric of each item; nothing where one of them has none, as of corpus-wide metrics."""
    ordered = sorted(
        (sample for sample in samples if sample.get("filter", "none") == rest), key=lambda sample: sample["doc_id"]
    )
    values = [sample.get(metric) for sample in ordered]
    if all(isinstance(value, int | float) for value in values):
        yield from (float(value) for value in values if value is not None)


@contextmanager
def _offline() -> Iterator[None]:
    """lm-eval's data sets are never asked of the network, whatever the machine allows."""
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
        why, fix = one_line(error), "Install it anew: pip install --upgrade 'dlec[eval]'"
        return MachineError("lm-eval cannot be used as it is installed", why=why, fix=fix)
    return UsageError(
        "lm-eval cannot run these tasks",
        why=one_line(error),
        fix="See which it knows: lm-eval ls tasks. Data that is not in the cache is not fetched.",
    )
