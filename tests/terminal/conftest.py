"""The real program in real terminals, over a store of its own, never in the one that the tests were started from."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.jobs.workplace import Workplace, merge_spec
from tests.terminal.gate import Gate
from tests.terminal.ptys import Terminal, terminal
from tests.terminal.tmux import Tmux
from tests.tui.conftest import AROUND, fill

DLEC = [sys.executable, "-m", "dlec_tui"]
Opened = Callable[..., Terminal]


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "dlec.sqlite"
    fill(path)
    return path


@pytest.fixture
def place(_filled: Path, tmp_path: Path) -> Iterator[Workplace]:
    """A home with two models and one CPU slot; workers that are started there end with the test."""
    made = Workplace(tmp_path / "home")
    shutil.copy(_filled, made.store)
    yield made
    made.end()


@pytest.fixture
def environment(place: Workplace) -> dict[str, str]:
    return around(place.home)


def around(home: Path) -> dict[str, str]:
    """The variables of a terminal of most kinds, with nothing of where the tests run."""
    usual = {name: value for name, value in os.environ.items() if name not in AROUND}
    own = {"DLEC_HOME": str(home), "HF_HUB_CACHE": str(home / "no-hub-cache"), "LC_ALL": "C.UTF-8"}
    return usual | own | {"TERM": "xterm-256color", "PYTHONSAFEPATH": "1"}


@pytest.fixture
def working_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def screen(environment: dict[str, str], working_directory: Path) -> Iterator[Opened]:
    """Opens `dlec ARGUMENTS` on a pty, any number of times; keywords: columns, rows, extra variables."""
    with ExitStack() as stack:

        def opened(*arguments: str, columns: int = 80, rows: int = 24, **variables: str) -> Terminal:
            command, around = [*DLEC, *arguments], environment | variables
            return stack.enter_context(terminal(command, around, working_directory, columns, rows))

        yield opened


@pytest.fixture
def tmux(tmp_path: Path, environment: dict[str, str]) -> Iterator[Tmux]:
    if not shutil.which("tmux"):
        pytest.skip("there is no tmux here")
    server = Tmux(tmp_path / "tmux", environment)
    yield server
    server.end()


@pytest.fixture
def gate(tmp_path: Path, environment: dict[str, str]) -> Gate:
    """Holds every merge of workers that are started from a screen, until it is opened."""
    made = Gate(tmp_path / "gate")
    environment |= made.environment
    return made


@pytest.fixture
def merge(place: Workplace, gate: Gate, tiny_llama: Path, tmp_path: Path) -> int:  # noqa: ARG001 - it runs behind the gate
    """The number of a merge that waits for a worker, and will be held by the gate."""
    number = place.submit(merge_spec(tiny_llama, tmp_path / "out"))
    assert isinstance(number, int)
    return number
