"""`dlec plan check` of 140 layers over 80 sharded ones, as a process: little more than Python with YAML and click."""

import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.cli.test_plan_check_cost import large_plan

MOST_TIMES_THE_IMPORTS = 4
CALLS = 7


def processor_seconds(cache: Path, *arguments: object) -> float:
    """The least of some calls of Python with these arguments, compiled modules being kept in `cache`."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONDONTWRITEBYTECODE": ""}
    return min(_once([sys.executable, *map(str, arguments)], environment) for _ in range(CALLS))


def _once(command: list[str], environment: dict[str, str]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.bench
def test_a_check_takes_a_few_times_what_python_takes_with_yaml_and_click(tmp_path: Path) -> None:
    plan = large_plan(tmp_path)
    imports = processor_seconds(tmp_path / "cache", "-c", "import yaml, click")
    check = processor_seconds(tmp_path / "cache", "-m", "dlec_tui", "plan", "check", "--no-load-check", plan)
    print(f"{check:.3f} s for the check, {imports:.3f} s for the imports: {check / imports:.1f} times")
    assert check < MOST_TIMES_THE_IMPORTS * imports
