"""--home, paths of unknown users, paths that do not exist and paths that cannot: the same answer in every verb."""

import json
from pathlib import Path

import pytest

from tests.cli.tables import cases
from tests.cli.verbs import VERBS, run


def test_every_verb_takes_a_home() -> None:
    assert not [name for name, verb in VERBS.items() if not any("--home" in option.opts for option in verb.params)]


def test_a_home_before_the_verb_is_passed_to_it(directory) -> None:
    Path("mine").mkdir()
    Path("mine/config.toml").write_text("[jobs]\nslots = 5\n")
    before, after = run("--home", "mine", "jobs", "list"), run("jobs", "list", "--home", "mine")
    assert (before.exit_code, before.stderr) == (after.exit_code, after.stderr)
    assert "mine/config.toml" in before.stderr
    assert run("--home", "mine", "jobs", "list", "--home", str(directory / "store")).exit_code == 0


@pytest.mark.usefixtures("directory")
def test_a_home_of_an_unknown_user_is_a_usage_error_in_every_verb() -> None:
    with cases() as table:
        for name in VERBS:
            with table.case(name):
                result = run(*name.split()[1:], "--home", "~nobody-here/x", "--json")
                assert result.exit_code == 2
                assert json.loads(result.stdout)["error"]["exit_code"] == 2


@pytest.mark.usefixtures("directory")
def test_a_home_in_the_environment_of_an_unknown_user_is_a_usage_error(monkeypatch) -> None:
    monkeypatch.setenv("DLEC_HOME", "~nobody-here/x")
    result = run("jobs", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no user nobody-here" in result.stderr


OF_AN_UNKNOWN_USER = (
    ["plan", "check", "~nobody-here/p.yaml"],
    ["merge", "p.yaml", "~nobody-here/out"],
    ["plan", "new", "repeat", "~nobody-here/model"],
    ["plan", "new", "repeat", "model", "--out=~nobody-here/p.yaml"],
    ["profile", "~nobody-here/model"],
    ["profile", "model", "--text", "~nobody-here/t"],
    ["verify", "~nobody-here/model"],
    ["models", "~nobody-here"],
    ["batch", "p.yaml", "--out", "~nobody-here"],
    ["batch", "~nobody-here/*.yaml", "--out", "out"],
    ["demo", "~nobody-here"],
    ["demo", "--model", "~nobody-here/m"],
    ["store", "merge", "~nobody-here"],
    ["plan", "convert", "0,1", "--model", "~nobody-here/m"],
    ["eval", "p.yaml", "--tasks", "~nobody-here/t.yaml"],
)


def test_a_path_of_an_unknown_user_is_a_usage_error(directory: Path) -> None:
    Path("p.yaml").touch()
    with cases() as table:
        for words in OF_AN_UNKNOWN_USER:
            with table.case(*words):
                result = run(*words)
                assert (result.exit_code, result.stdout) == (2, "")
                assert "there is no user nobody-here" in result.stderr
                assert not [file for file in directory.iterdir() if file.name not in ("p.yaml", "store")]


MISSING = {
    "models": ["models", "./gone"],
    "profile": ["profile", "./gone"],
    "score": ["score", "./gone", "--metric", "ablation"],
    "sweep": ["sweep", "blocks", "./gone"],
    "sweep plans": ["sweep", "plans", "./gone", "gone.yaml"],
    "plan new": ["plan", "new", "repeat", "./gone"],
    "plan new dlec": ["plan", "new", "dlec", "./gone", "--layers", "1"],
    "plan check": ["plan", "check", "gone.yaml"],
    "plan show": ["plan", "show", "gone.yaml"],
    "plan convert": ["plan", "convert", "gone.yaml"],
    "plan convert to": ["plan", "convert", "0,1", "--model", "./gone"],
    "preview": ["preview", "gone.yaml"],
    "eval": ["eval", "gone.yaml", "--tasks", "x"],
    "generate": ["generate", "gone.yaml", "--prompt", "x"],
    "merge": ["merge", "gone.yaml", "out"],
    "verify": ["verify", "./gone"],
    "download": ["download", "./gone"],
    "batch": ["batch", "gone.yaml", "--out", "out"],
    "store merge": ["store", "merge", "./gone"],
    "demo": ["demo", "here", "--model", "./gone"],
    "demo below a file": ["demo", "file/here", "--model", "MODEL"],
    "a hub id": ["profile", "org/gone"],
    "a hub id without organisation": ["profile", "gone"],
    "a text": ["profile", "MODEL", "--text", "gone.txt"],
    "a directory of an output": ["plan", "new", "repeat", "MODEL", "-o", "gone/plan.yaml"],
    "a job": ["jobs", "show", "7"],
    "a sweep": ["sweep", "report", "7"],
}


def test_a_missing_file_has_the_same_exit_code_in_every_verb(directory: Path, tiny_llama: Path) -> None:
    Path("file").touch()
    before = set(directory.iterdir())
    with cases() as table:
        for name, words in MISSING.items():
            with table.case(name):
                words = [str(tiny_llama) if word == "MODEL" else word for word in words]
                text, data = run(*words), run(*words, "--json")
                assert (text.exit_code, data.exit_code, text.stdout) == (2, 2, "")
                assert "Error: " in text.stderr
                assert text.stderr == data.stderr
                error = json.loads(data.stdout)["error"]
                assert error["exit_code"] == 2
                assert {"kind", "what", "why", "fix"} < error.keys()
                assert set(directory.iterdir()) == before


@pytest.mark.usefixtures("directory")
def test_a_missing_path_is_the_same_error_in_every_verb() -> None:
    with cases() as table:
        for words in (["verify"], ["plan", "check"], ["models"], ["preview"], ["store", "merge"]):
            with table.case(*words):
                error = json.loads(run(*words, "gone", "--json").stdout)["error"]
                assert (error["kind"], error["what"], error["path"]) == (
                    "NotFoundError",
                    "gone does not exist",
                    "gone",
                )


@pytest.mark.usefixtures("directory")
def test_an_empty_path_or_one_with_nul_is_refused_and_not_taken_for_the_working_directory() -> None:
    Path("plan.yaml").touch()
    with cases() as table:
        for words in (["verify"], ["plan", "check"], ["models"], ["merge", "plan.yaml"], ["jobs", "list", "--home"]):
            for path in ("", "a\0b"):
                with table.case(*words, repr(path)):
                    result = run(*words, path, "--json")
                    assert result.exit_code == 2
                    assert "path" in json.loads(result.stdout)["error"]["what"]


@pytest.mark.usefixtures("directory")
def test_an_empty_model_of_the_demo_is_never_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.demo.demo_model", pytest.fail)
    assert run("demo", "here", "--model", "").exit_code == 1


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("output", "code", "says"),
    [
        ("gone/plan.yaml", 2, "there is no directory"),
        ("there.yaml", 2, "exists"),
        (".", 2, "is a directory"),
        ("closed/plan.yaml", 3, "is not writable"),
    ],
)
@pytest.mark.parametrize("recipe", [("dlec", "--layers", "1"), ("dlec-search", "--layers", "1"), ("dlec-classic",)])
def test_an_output_that_cannot_be_written_is_refused_before_measuring(monkeypatch, recipe, output, code, says) -> None:
    Path("there.yaml").touch()
    Path("closed").mkdir()
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path).name != "closed")
    result = run("plan", "new", recipe[0], "./model-that-is-not-looked-for", *recipe[1:], "-o", output)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
