"""Completion in the shell, as the documentation sets it up."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_documentation import TEXT
from tests.cli.test_exit_codes import DLEC, python_path
from tests.jobs.states import spec
from tests.jobs.workplace import Workplace

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path):
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


def completed(line: str, home: Path) -> list[str]:
    """The values that bash is offered for the last word of a line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_DLEC_COMPLETE": "bash_complete"}
    environment = os.environ | python_path() | words | {"DLEC_HOME": str(home)}
    done = subprocess.run(DLEC, capture_output=True, text=True, env=environment)
    return [answer.partition(",")[2] for answer in done.stdout.splitlines() if answer]


def test_the_line_in_the_readme_gives_bash_a_function_for_dlec() -> None:
    [variable] = re.findall(r'^eval "\$\((_DLEC_COMPLETE=bash_source) dlec\)"$', TEXT, flags=re.MULTILINE)
    name, _, value = variable.partition("=")
    environment = os.environ | python_path() | {name: value}
    script = subprocess.run(DLEC, capture_output=True, text=True, env=environment, check=True).stdout
    shown = subprocess.run(["bash", "-c", f"{script}\ncomplete -p dlec"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip().endswith("dlec")


def test_the_numbers_of_jobs_are_completed(place) -> None:
    ids = [str(place.submit(spec(f"job {number}"))) for number in range(2)]
    assert completed("dlec jobs show ", place.home) == ids[::-1]
    assert completed(f"dlec jobs cancel --home {place.home} ", place.home / "another") == ids[::-1]
    assert completed("dlec jobs show 99", place.home) == []


def test_verbs_are_completed(place) -> None:
    assert completed("dlec pl", place.home) == ["plan"]
