"""What a job's task answered, put as the verb for that task puts it where it has more than words for that."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlec_tui.cli.preview import preview_lines
from dlec_tui.cli.profile import profile_lines
from dlec_tui.jobs import task_views


def result_lines(task: str, result: Mapping[str, Any]) -> Iterator[str]:
    return _LINES[task](result) if task in _LINES else task_views.result_lines(task, result)


_LINES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "profile": profile_lines,
    "preview": preview_lines,
}
