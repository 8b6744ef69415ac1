"""`dlec profile` and `dlec score`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dlec_tui.cli.main import dlec as command

pytestmark = pytest.mark.slow

SMALL = ("--tokens", "256", "--seq-len", "16", "--device", "cpu", "--batch-size", "8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def dlec_at_home(home: Path):
    """Runs `dlec ARGUMENTS` with this file's store."""

    def run(*arguments: object) -> Result:
        words = [str(argument) for argument in (*arguments, *SMALL, "--home", home)]
        return CliRunner().invoke(command, words, catch_exceptions=False)

    return run


@pytest.fixture(scope="module")
def profiled(dlec_at_home, tiny_llama: Path) -> dict:
    """The first profile, as JSON."""
    result = dlec_at_home("profile", tiny_llama, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def scored(dlec_at_home, tiny_llama: Path) -> dict:
    """The first scores, as JSON."""
    result = dlec_at_home("score", tiny_llama, "--metric", "second-pass", "--width", "1,2", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_json_holds_every_layer_and_the_sample(profiled: dict, tiny_llama: Path) -> None:
    assert list(profiled) == ["reference", "corpus", "key", "sample", "stored", "layers"]
    assert (profiled["reference"], profiled["stored"], len(profiled["layers"])) == (str(tiny_llama), False, 6)
    assert (profiled["key"]["split"], profiled["key"]["tokens"], profiled["key"]["dtype"]) == (
        "selection",
        256,
        "float32",
    )


@pytest.mark.usefixtures("profiled")
def test_a_person_sees_curve_table_and_that_it_was_found(dlec_at_home, tiny_llama: Path) -> None:
    talk = dlec_at_home("profile", tiny_llama).stdout
    assert "block influence" in talk
    assert "relative update" in talk
    assert [line.split()[0] for line in talk.splitlines()[-8:-2]] == list("012345")
    assert talk.splitlines()[-1] == "found in the store, not measured again"
    assert "\x1b" not in talk


def test_scores_come_block_by_block(scored: dict) -> None:
    blocks = [(each["start"], each["end"]) for each in scored["scores"]]
    assert blocks == [(i, i + 1) for i in range(6)] + [(i, i + 2) for i in range(5)]
    assert all(each["value"] > 0 and each["se"] > 0 for each in scored["scores"])


@pytest.mark.usefixtures("scored")
def test_the_lowest_scores_are_listed_first(dlec_at_home, tiny_llama: Path) -> None:
    lines = dlec_at_home("score", tiny_llama, "--metric", "second-pass", "--blocks", "0:1,1:2,2:4").stdout.splitlines()
    values = [float(line.split()[1]) for line in lines[-5:-2]]
    assert values == sorted(values)
    assert "found in the store" in lines[-1]


@pytest.mark.parametrize(
    "options",
    [
        *(["--metric", "beauty"], [], ["--metric", "ablation", "--width", "two"]),
        *(["--metric", "ablation", "--blocks", "1-2"], ["--metric", "ablation", "--width", "1", "--blocks", "1:2"]),
        *(["--metric", "ablation", "--tokens", "0"], ["--metric", "ablation", "--split", "third"]),
    ],
)
def test_what_score_does_not_understand_is_a_usage_error(dlec, tiny_llama: Path, options: list[str]) -> None:
    result = dlec("score", tiny_llama, *options)
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("verb", [["profile"], ["score", "--metric", "second-pass"]])
def test_a_model_that_is_not_here_is_an_error_of_the_checkpoint(dlec, verb: list[str]) -> None:
    result = dlec(*verb, "nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere" in result.stderr


def test_bad_text_is_one_message_and_exit_code_2(dlec, tiny_llama: Path) -> None:
    Path("bad.txt").write_bytes(b"\xff\xfe")
    result = dlec("profile", tiny_llama, "--text", "bad.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert "bad.txt" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_damaged_store_is_one_message_and_exit_code_3(dlec, tiny_llama: Path) -> None:
    Path("home").mkdir()
    Path("home/dlec.sqlite").write_bytes(b"no database" * 1000)
    result = dlec("profile", tiny_llama, "--home", "home")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "is damaged" in result.stderr
