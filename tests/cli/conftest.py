"""The command line, called as users call it."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from dlec_tui.cli.exit_codes import UNEXPECTED
from dlec_tui.cli.main import dlec as command
from tests.warm_engine import warm_engine

Dlec: TypeAlias = Callable[..., Result]


@pytest.fixture(scope="session")
def _forking() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    with warm_engine() as forking:
        yield forking


@pytest.fixture(scope="module", autouse=True)
def _engine_is_warm(_forking: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Tests of other rooms in the same process start engine processes as users do."""
    with _forking():
        yield


@pytest.fixture
def dlec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dlec:
    """Runs `dlec ARGUMENTS` in an empty directory; an unexpected exception is an error of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-hub-cache"))
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
        if result.exit_code == UNEXPECTED:
            pytest.fail("\n".join(file.read_text() for file in tmp_path.rglob("crash-*.log")))
        return result

    return run


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: empty but for the home of a store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "store"))
    Path("store").mkdir()
    return tmp_path


@pytest.fixture(autouse=True)
def transformers_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a process of some seconds; test_load_checks.py shows that it is asked."""
    monkeypatch.setattr("dlec_tui.cli.plan_file._opened", lambda checks, stack: checks.known(stack))


def write_plan(path: Path, model: Path, *ranges: tuple[int, int], extra: str = "") -> Path:
    """A passthrough plan over one model."""
    slices = [f"- sources:\n  - model: {json.dumps(str(model))}\n    layer_range: [{a}, {b}]" for a, b in ranges]
    path.write_text("\n".join(["merge_method: passthrough", "slices:", *slices]) + f"\n{extra}")
    return path


@pytest.fixture
def plan(tmp_path: Path, tiny_llama: Path) -> Path:
    """A good plan: 6 layers become 8."""
    return write_plan(tmp_path / "plan.yaml", tiny_llama, (0, 4), (2, 6))


@pytest.fixture
def bad_plan(tmp_path: Path, tiny_llama: Path) -> Path:
    """A plan whose second slice, in line 7, reaches beyond the model."""
    return write_plan(tmp_path / "bad.yaml", tiny_llama, (0, 4), (2, 9))
